using System.Globalization;
using MambaExt.Data;

namespace MambaExt.Graph.DataSets;

/// <summary>The table <c>PublishedFiles.tsv</c>: what each data set's authors published, with length and SHA-256 where they are known.</summary>
internal static class PublishedFiles
{
    private static readonly Lazy<ILookup<string, PublishedFile>> BySet = new(Read);

    /// <summary>The files of a data set, those of its splits included.</summary>
    public static IReadOnlyList<PublishedFile> Of(string dataSet) => [.. BySet.Value[dataSet]];

    private static ILookup<string, PublishedFile> Read()
    {
        using Stream stream = typeof(PublishedFiles).Assembly.GetManifestResourceStream("PublishedFiles.tsv")!;
        using var reader = new StreamReader(stream);
        var places = new Dictionary<string, string>();
        var files = new List<(string Set, PublishedFile File)>();
        while (reader.ReadLine() is { } line)
        {
            switch (line.Split('\t'))
            {
                case ["place", var name, var address]:
                    places.Add(name, address);
                    break;
                case [var set, var file, var bytes, var hash, var place, var path]:
                    files.Add((set, new PublishedFile(
                        file, bytes == "-" ? null : long.Parse(bytes, CultureInfo.InvariantCulture), hash == "-" ? null : hash, new Uri(places[place] + path))));
                    break;
            }
        }

        return files.ToLookup(f => f.Set, f => f.File);
    }
}
