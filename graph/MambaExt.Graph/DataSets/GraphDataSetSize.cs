namespace MambaExt.Graph.DataSets;

/// <summary>The size of a data set as it is published, whether or not its files are at hand.</summary>
/// <param name="Graphs">Graphs; 1 where vertices are classified.</param>
/// <param name="Vertices">Vertices, V, of all graphs.</param>
/// <param name="Edges">Unique undirected edges without self-loops, E, of all graphs.</param>
/// <param name="Features">Features a vertex, F; where graphs have none but their structure, the one-hot degrees that stand for them.</param>
/// <param name="Classes">Classes, K.</param>
public sealed record GraphDataSetSize(int Graphs, long Vertices, long Edges, int Features, int Classes);
