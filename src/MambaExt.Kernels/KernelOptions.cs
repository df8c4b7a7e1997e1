using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>How a CPU kernel runs. Neither option changes what is computed: results are the same bits at any number of threads,
/// and agree between widths within the tolerance of the exponential.</summary>
/// <param name="Threads">Threads that may work at once, 1 or more.</param>
/// <param name="VectorBits">128, 256 or 512.</param>
public readonly record struct KernelOptions(int Threads, int VectorBits)
{
    /// <summary>All processors (or <c>MAMBAEXT_THREADS</c>), the widest accelerated vectors (or <c>MAMBAEXT_VECTOR_BITS</c>).</summary>
    public static KernelOptions Default { get; } = new(ThreadsFromEnvironment(Environment.GetEnvironmentVariable("MAMBAEXT_THREADS")), VectorWidth.Default);

    /// <summary>Throws a sentence for the caller where an option is out of range.</summary>
    public void Validate()
    {
        if (Threads < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(Threads), $"Threads is {Threads}; give 1 or more.");
        }

        if (!VectorWidth.Allowed.Contains(VectorBits))
        {
            throw new ArgumentOutOfRangeException(nameof(VectorBits), $"VectorBits is {VectorBits}; allowed are 128, 256 and 512.");
        }
    }

    internal static int ThreadsFromEnvironment(string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return Environment.ProcessorCount;
        }

        return int.TryParse(value, out int threads) && threads is >= 1 and <= 1024
            ? threads
            : throw new InvalidOperationException($"MAMBAEXT_THREADS is '{value}'; give a whole number from 1 to 1024, or unset it to use all processors.");
    }
}
