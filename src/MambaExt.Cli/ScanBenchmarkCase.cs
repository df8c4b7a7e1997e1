using System.Globalization;
using MambaExt.Kernels;

namespace MambaExt.Cli;

/// <summary>One shape to time, with its options.</summary>
internal sealed record ScanBenchmarkCase(long B, long L, int D, int N, int G = 1, bool Reverse = false, bool Packed = false)
{
    /// <summary>From long and narrow to short and wide: every path of the kernels.</summary>
    public static IReadOnlyList<ScanBenchmarkCase> Suite { get; } =
    [
        new(1, 2048, 1536, 16),
        new(8, 512, 256, 16),
        new(1, 2708, 64, 16),
        new(10_000, 17, 64, 16),
        new(10_000, 1, 96, 16),
        new(1, 16_384, 64, 16),
        new(1, 16_384, 1, 64),
        new(4, 1024, 1539, 1),
        new(2, 512, 256, 256),
        new(8, 512, 256, 16, Reverse: true),
        new(8, 512, 256, 16, Packed: true),
        new(2, 1024, 768, 16, G: 4),
    ];

    public string Shape => $"{B}x{L}x{D}x{N}";

    /// <summary>Options beside the sizes.</summary>
    public string Note => string.Join(' ', new[] { Reverse ? "reverse" : null, Packed ? "packed" : null, G > 1 ? $"grouped({G})" : null }.OfType<string>());

    public SelectiveScanShape ToShape() => new() { Batch = B, Length = L, Channels = D, States = N, Groups = G, Softplus = true, Reverse = Reverse, Stateless = true };

    /// <summary>Reads <c>BxLxDxN</c>.</summary>
    public static ScanBenchmarkCase Parse(string text)
    {
        string[] parts = text.Split('x');
        long[] n = new long[4];
        bool good = parts.Length == 4;
        for (int i = 0; good && i < 4; i++)
        {
            good = long.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out n[i]) && n[i] >= 1;
        }

        if (!good || n[2] > 1 << 20 || n[3] > SelectiveScanShape.MaxStates || n.Aggregate(1.0, (product, x) => product * x) > 4e9)
        {
            throw new ArgumentException($"--shape is '{text}'; give four whole numbers BxLxDxN such as 1x2048x1536x16, N at most {SelectiveScanShape.MaxStates} and the product at most 4e9.");
        }

        return new ScanBenchmarkCase(n[0], n[1], (int)n[2], (int)n[3]);
    }

    /// <summary>Refuses a shape whose tensors would not fit beside what runs here already.</summary>
    public void RequireMemory(int elementBytes)
    {
        // Eight sequences [B, L, D] beside the gradients of three, B and C with theirs, states kept every few positions, the yardstick twice.
        double sequences = 11.0 * B * L * D, selections = 4.0 * B * L * G * N, kept = (double)B * L * D * N / 32;
        double need = elementBytes * (sequences + selections + kept + 2.0 * Math.Min((double)B * L * D * N, ScanBenchmark.MostYardstick));
        long have = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (need > 0.75 * have)
        {
            throw new ArgumentException(FormattableString.Invariant($"--shape {Shape} needs about {need / 1e9:f0} GB, and this machine has {have / 1e9:f0} GB; take a smaller shape."));
        }
    }
}
