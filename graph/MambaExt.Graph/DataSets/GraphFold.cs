namespace MambaExt.Graph.DataSets;

/// <summary>Which graphs a run learns from, chooses by and is judged on; ascending and disjoint once in a <see cref="GraphDataSet"/>.</summary>
/// <param name="Train">Graphs whose labels train the weights.</param>
/// <param name="Validation">Graphs whose labels choose the model.</param>
/// <param name="Test">Graphs whose labels are read once.</param>
public sealed record GraphFold(int[] Train, int[] Validation, int[] Test);
