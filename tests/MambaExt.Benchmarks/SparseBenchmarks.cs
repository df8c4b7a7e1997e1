using MambaExt.Data;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Benchmarks;

/// <summary>How fast are the sparse sums, against a plain copy of what they must read?</summary>
internal static class SparseBenchmarks
{
    /// <summary>1 M arcs of random targets x 64 channels: 256 MB gathered.</summary>
    public static void CsrSum()
    {
        using DisposeScope scope = NewDisposeScope();
        const int Vertices = 100_000, Arcs = 1_000_000, Channels = 64;
        var random = new Random(1);
        long[] offsets = [.. Enumerable.Range(0, Vertices + 1).Select(v => (long)v * (Arcs / Vertices))];
        int[] targets = [.. Enumerable.Range(0, Arcs).Select(_ => random.Next(Vertices))];
        using var matrix = new CsrMatrix(Vertices, offsets, targets, [.. Enumerable.Range(0, Arcs).Select(_ => (float)random.NextDouble())]);
        Tensor x = rand(Vertices, Channels), read = rand((long)Arcs * Channels), recorded = rand(Vertices, Channels).requires_grad_();
        Timing.Report("sum of 64 M floats in sequence (torch.sum), the yardstick", () => read.sum().Dispose());
        Timing.Report("CSR sum, 1 M arcs x 64 channels", () => matrix.Sum(x).Dispose());
        Timing.Report("CSR weighted sum", () => matrix.Multiply(x).Dispose());
        Timing.Report("CSR weighted sum, forward and backward", () =>
        {
            using DisposeScope step = NewDisposeScope();
            matrix.Multiply(recorded).sum().backward();
        });
    }

    /// <summary>A first layer of width 256 over Coauthor CS: 18,333 x 6,805, 1 % full.</summary>
    public static void CoauthorFeatures(string folder)
    {
        using DisposeScope scope = NewDisposeScope();
        string path = DataFolder.Find(folder, "coauthor_cs", ["coauthor_cs.npz"]) is { } found ? Path.Combine(found, "coauthor_cs.npz") : "";
        using NpzFile file = NpzFile.Open(path);
        var features = (SparseCsr)file["node_attr"].Object!;
        using var matrix = new CsrMatrix(features.Columns, features.IndPtr, features.Indices, features.Data.ToFloats());
        Console.WriteLine($"{matrix.Rows} x {matrix.Columns}, {matrix.EntryCount} entries");
        Tensor weight = rand(matrix.Columns, 256).requires_grad_();
        Timing.Report("features times weight, width 256, forward", () =>
        {
            using IDisposable _ = no_grad();
            matrix.Multiply(weight).Dispose();
        });
        Timing.Report("forward and backward", () =>
        {
            using DisposeScope step = NewDisposeScope();
            matrix.Multiply(weight).sum().backward();
        });
    }
}
