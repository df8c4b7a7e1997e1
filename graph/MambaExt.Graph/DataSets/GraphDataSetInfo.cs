namespace MambaExt.Graph.DataSets;

/// <summary>A data set that the registry knows.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Files">Official names of its files; none where it is drawn.</param>
/// <param name="Metric">The score that it is judged by.</param>
public sealed record GraphDataSetInfo(string Name, IReadOnlyList<string> Files, NodeMetric Metric);
