using MambaExt.Data;

namespace MambaExt.Graph.DataSets.Loaders;

/// <summary>
/// Reads the splits of an <c>.npz</c> file: index arrays <c>train</c>, <c>valid</c> (or <c>val</c>) and <c>test</c>; or masks
/// <c>train_mask</c>, <c>val_mask</c>, <c>test_mask</c> [V] or <c>train_masks</c>, ... [splits, V], bools or integers 0 and 1.
/// </summary>
internal static class SplitFile
{
    private static readonly string[][] Names =
    [
        ["train", "valid", "test"], ["train", "val", "test"], ["train_idx", "valid_idx", "test_idx"], ["train_mask", "val_mask", "test_mask"], ["train_masks", "val_masks", "test_masks"],
    ];

    public static IReadOnlyList<NodeSplit> Read(string path, int vertices)
    {
        using NpzFile npz = NpzFile.Open(path);
        return Read(npz, Path.GetFileName(path), vertices);
    }

    public static IReadOnlyList<NodeSplit> Read(NpzFile npz, string file, int vertices)
    {
        string[] keys = Names.FirstOrDefault(names => names.All(npz.Keys.Contains)) ?? throw new InvalidDataException(
            $"{file} has the arrays {string.Join(", ", npz.Keys.Take(20))}, which are no split; allowed are {string.Join("; ", Names.Select(names => string.Join(", ", names)))}.");
        int[][][] parts = [.. keys.Select(key => keys[0].Contains("mask", StringComparison.Ordinal) ? Masks(npz[key], key, file, vertices) : [Indices(npz[key], key, file, vertices)])];
        return parts[1].Length == parts[0].Length && parts[2].Length == parts[0].Length
            ? [.. parts[0].Select((train, i) => new NodeSplit(train, parts[1][i], parts[2][i]))]
            : throw new InvalidDataException($"{file} has {string.Join(", ", keys.Select((key, i) => $"{parts[i].Length} rows of {key}"))}; give as many of each.");
    }

    /// <summary>The vertices that each row of a mask holds true.</summary>
    public static int[][] Masks(NpyArray mask, string key, string file, int vertices)
    {
        if (mask.Shape.Length is not (1 or 2) || mask.Shape[^1] != vertices || mask.Shape[0] > int.MaxValue)
        {
            throw new InvalidDataException($"{file}: {key} has shape [{string.Join(", ", mask.Shape.ToArray())}] instead of [{vertices}] or [splits, {vertices}]; check that it belongs to this graph.");
        }

        bool[] bits = mask.ToBools();
        int rows = mask.Shape.Length == 1 ? 1 : (int)mask.Shape[0];
        return [.. Enumerable.Range(0, rows).Select(r => Where(bits.AsSpan(r * vertices, vertices)))];
    }

    private static int[] Where(ReadOnlySpan<bool> row)
    {
        var chosen = new int[row.Count(true)];
        for (int v = 0, at = 0; v < row.Length; v++)
        {
            if (row[v])
            {
                chosen[at++] = v;
            }
        }

        return chosen;
    }

    private static int[] Indices(NpyArray indices, string key, string file, int vertices)
    {
        long[] numbers = indices.Shape.Length == 1
            ? indices.ToLongs()
            : throw new InvalidDataException($"{file}: {key} has {indices.Shape.Length} dimensions; vertex numbers come in one.");
        int wrong = Array.FindIndex(numbers, v => (ulong)v >= (ulong)vertices);
        return wrong < 0
            ? Array.ConvertAll(numbers, v => (int)v)
            : throw new InvalidDataException($"{file}: entry {wrong} of {key} is {numbers[wrong]}, but vertices are 0 to {vertices - 1}; check that it belongs to this graph.");
    }
}
