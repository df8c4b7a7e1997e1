using MambaExt.Graph.DataSets.Loaders;
using MambaExt.Kernels;

namespace MambaExt.Graph.DataSets.Own;

/// <summary>The split file of a user's own graph.</summary>
internal static class OwnSplit
{
    private const string Allowed = "train, valid, test or nothing";

    public static IReadOnlyList<NodeSplit> Read(string path, HeaderLine header, OwnVertices own, int[] labels)
    {
        if (Path.GetExtension(path).Equals(".npz", StringComparison.OrdinalIgnoreCase))
        {
            return own.VertexNames is null
                ? SplitFile.Read(path, labels.Length)
                : throw new InvalidDataException($"{Path.GetFileName(path)} numbers the vertices, which have names here; give a text file of vertex and part.");
        }

        OwnColumn column = OwnColumn.Read(path, header, HeaderWords.IsPart, "train, valid or test");
        int[] place = column.ByVertex(labels.Length, own.Find);
        var parts = new List<int>[] { [], [], [] };
        for (int v = 0; v < place.Length; v++)
        {
            int part = place[v] < 0 ? -1 : Part(column.Words[place[v]])
                ?? throw new InvalidDataException($"{column.Place(place[v])}: found {BadFile.Quote(column.Words[place[v]])}; allowed is {Allowed}; correct the file.");
            if (part >= 0)
            {
                parts[part].Add(labels[v] >= 0
                    ? v
                    : throw new InvalidDataException($"{column.Place(place[v])}: found a vertex without a class; allowed are vertices with one; leave its part empty."));
            }
        }

        int empty = Array.FindIndex(parts, part => part.Count == 0);
        return empty < 0
            ? [new NodeSplit([.. parts[0]], [.. parts[1]], [.. parts[2]])]
            : throw new InvalidDataException($"{column.File} has no {(empty == 0 ? "train" : empty == 1 ? "valid" : "test")} vertex; give each part at least one.");
    }

    private static int? Part(string word) => word.ToLowerInvariant() switch
    {
        "train" or "training" => 0,
        "valid" or "val" or "validation" => 1,
        "test" => 2,
        "" or "none" or "unused" => -1,
        _ => null,
    };
}
