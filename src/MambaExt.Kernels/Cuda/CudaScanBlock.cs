namespace MambaExt.Kernels.Cuda;

/// <summary>A block of the scan's kernels: the constants of <c>selective_scan_sweep.cu</c> and what follows from them.</summary>
internal static class CudaScanBlock
{
    /// <summary>Values a lane carries from chunk to chunk: the state's gradient, and those of A, constant B and constant C.</summary>
    public const int CarriedSlots = 4;

    public static int Threads(int lanes) => CudaScanPlan.BlockChannels * lanes;

    /// <summary>Steps that the backward scan prepares at once.</summary>
    public static int ChunkSteps(int width) => 32 / (width / 4);

    /// <summary>Bytes in which the forward scan keeps states between its passes.</summary>
    public static int ForwardShared(int passes, int lanes, int width) => passes > 1 ? passes * Threads(lanes) * CudaScanPlan.LaneStates * width : 0;

    public static int BackwardShared(int lanes, int width)
    {
        const int Channels = CudaScanPlan.BlockChannels, States = CudaScanPlan.LaneStates;
        int chunk = ChunkSteps(width), stretches = chunk * States / 16, slot = 32 * Math.Max(States, lanes), sumRow = Channels + (lanes == 1 ? 0 : 32 / lanes);
        int elements = (chunk * Channels * 4) + (3 * chunk * sumRow) + (2 * chunk * States * lanes) + (stretches * lanes * slot) + (2 * Threads(lanes));
        return elements * width;
    }
}
