namespace MambaExt.Data.Images;

/// <summary>The table <c>PublishedImages.tsv</c>.</summary>
internal static class PublishedImages
{
    private static readonly Lazy<ILookup<string, PublishedFile>> BySet = new(() => PublishedFileTable.Read(typeof(PublishedImages).Assembly, "PublishedImages.tsv"));

    public static IReadOnlyList<PublishedFile> Of(string dataSet) => [.. BySet.Value[dataSet]];
}
