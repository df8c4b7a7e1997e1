namespace MambaExt.Kernels.Verification;

/// <summary>What was computed for a golden file: an array of doubles a tensor that the file names, in its order of axes.</summary>
internal sealed class GoldenTensors(GoldenFile file)
{
    private readonly List<(string Name, GoldenKind Kind, double[] Values)> _results = [];

    public IReadOnlyList<(string Name, GoldenKind Kind, double[] Values)> All => _results;

    /// <summary>Reads and keeps a result, if the file has something to compare it with.</summary>
    public void Add(string name, GoldenKind kind, Func<double[]> read)
    {
        if (file.Find(name) is not null)
        {
            _results.Add((name, kind, read()));
        }
    }
}
