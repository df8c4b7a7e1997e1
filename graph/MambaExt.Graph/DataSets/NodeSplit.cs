namespace MambaExt.Graph.DataSets;

/// <summary>Which vertices a run learns from, chooses by and is judged on; ascending and disjoint once in a <see cref="NodeDataSet"/>.</summary>
/// <param name="Train">Vertices whose labels train the weights.</param>
/// <param name="Validation">Vertices whose labels choose the model.</param>
/// <param name="Test">Vertices whose labels are read once.</param>
public sealed record NodeSplit(int[] Train, int[] Validation, int[] Test);
