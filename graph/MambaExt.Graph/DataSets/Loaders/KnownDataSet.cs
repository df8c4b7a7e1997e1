namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>One of the ways in which the files of a data set may lie, and how they are read.</summary>
/// <param name="Files">Names side by side; none where the data set is drawn.</param>
/// <param name="Vertices">Reads a data set whose vertices are classified.</param>
/// <param name="Graphs">Reads a data set whose graphs are classified.</param>
internal sealed record DataLayout(IReadOnlyList<string> Files, Func<DataSetRequest, NodeDataSet>? Vertices = null, Func<DataSetRequest, GraphDataSet>? Graphs = null);

/// <summary>A data set and its layouts; the first that is found is read.</summary>
internal sealed record KnownDataSet(GraphDataSetInfo Info, IReadOnlyList<DataLayout> Layouts);
