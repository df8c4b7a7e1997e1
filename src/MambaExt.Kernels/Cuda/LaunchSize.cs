namespace MambaExt.Kernels.Cuda;

/// <summary>How many threads a kernel gets. Grids and blocks have one dimension; a kernel takes its coordinates from a 64-bit block number.</summary>
/// <param name="Blocks">Blocks, 0 (nothing is launched) to 2^31 - 1</param>
/// <param name="Threads">Threads a block, 32 to 1024 in whole warps</param>
/// <param name="SharedBytes">Dynamic shared memory a block</param>
public readonly record struct LaunchSize(long Blocks, int Threads, int SharedBytes = 0)
{
    internal void Validate(string instance, int mostShared)
    {
        if (Blocks is < 0 or > int.MaxValue)
        {
            throw new ArgumentException($"{instance} was to be launched with {Blocks} blocks; a launch takes at most {int.MaxValue}, so split the batch.");
        }

        if (Threads is < 32 or > 1024 || Threads % 32 != 0)
        {
            throw new ArgumentException($"{instance} was to be launched with {Threads} threads a block; allowed are 32 to 1024 in whole warps of 32.");
        }

        if (SharedBytes < 0 || SharedBytes > mostShared)
        {
            throw new ArgumentException($"{instance} was to be launched with {SharedBytes} bytes of shared memory; this device gives a block at most {mostShared}.");
        }
    }
}
