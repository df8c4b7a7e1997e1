using MambaExt.Data;

namespace MambaExt.Graph.DataSets;

/// <summary>A data set that the registry knows.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Family">Where it comes from, which says how its files are laid out.</param>
/// <param name="Task">What is classified.</param>
/// <param name="Metric">The score that it is judged by.</param>
/// <param name="Size">As published.</param>
/// <param name="Splits">The splits that come with it, in words.</param>
/// <param name="Files">Official names of the files that are needed, in the first of the layouts that are read; none where it is drawn.</param>
public sealed record GraphDataSetInfo(
    string Name, string Family, GraphTask Task, NodeMetric Metric, GraphDataSetSize Size, string Splits, IReadOnlyList<string> Files)
{
    /// <summary>What can be downloaded: the files of the first layout and those of the splits.</summary>
    public IReadOnlyList<PublishedFile> Published => PublishedFiles.Of(Name);
}
