using MambaExt.Data;

namespace MambaExt.Graph.DataSets;

/// <summary>The table <c>PublishedFiles.tsv</c>: what each data set's authors published, with length and SHA-256 where they are known.</summary>
internal static class PublishedFiles
{
    private static readonly Lazy<ILookup<string, PublishedFile>> BySet = new(() => PublishedFileTable.Read(typeof(PublishedFiles).Assembly, "PublishedFiles.tsv"));

    /// <summary>The files of a data set, those of its splits included.</summary>
    public static IReadOnlyList<PublishedFile> Of(string dataSet) => [.. BySet.Value[dataSet]];
}
