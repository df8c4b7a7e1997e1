using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>A and constant B and C in the order of the registers: [blocks, vectors, lanes].</summary>
internal static unsafe class ScanParameters<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>A log2(e): the decay is then 2^(dt A').</summary>
    public static T* Decay(in SelectiveScanShape shape, in ScanPlan plan, T* a, Workspace workspace) =>
        Arrange(shape, plan, a, workspace, T.CreateTruncating(VectorMath.Log2E));

    /// <summary>Largest |A'| of each block, [blocks]: with the largest |dt| of a chunk it tells whether any decay needs bounds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T* Largest(in ScanPlan plan, T* decay, Workspace workspace)
    {
        int elements = plan.BlockElements;
        T* largest = workspace.Allocate<T>(plan.Blocks);
        for (int block = 0; block < plan.Blocks; block++)
        {
            largest[block] = T.Zero;
            for (int i = 0; i < elements; i++)
            {
                // Max propagates not-a-number, and a comparison with it fails: such a block keeps its bounds.
                largest[block] = T.Max(largest[block], T.Abs(decay[(long)block * elements + i]));
            }
        }

        return largest;
    }

    /// <summary>A parameter of the channels, [blocks, lanes]: zero where there is no channel, or no parameter; where states are the lanes, the same in each.</summary>
    public static T* Channels(in ScanPlan plan, T* parameter, Workspace workspace)
    {
        T* target = workspace.Allocate<T>((long)plan.Blocks * V.Count, zeroed: true);
        for (int block = 0; block < plan.Blocks && parameter != null; block++)
        {
            int channels = plan.ChannelsIn(block);
            if (plan.StatesAsLanes)
            {
                V.Broadcast(parameter[block]).Store(target + (long)block * V.Count);
                continue;
            }

            new Span<T>(parameter + plan.FirstChannel(block), channels).CopyTo(new Span<T>(target + (long)block * V.Count, channels));
        }

        return target;
    }

    /// <summary>A constant B or C.</summary>
    public static T* Constant(in SelectiveScanShape shape, in ScanPlan plan, T* parameter, Workspace workspace) =>
        Arrange(shape, plan, parameter, workspace, T.One);

    private static T* Arrange(in SelectiveScanShape shape, in ScanPlan plan, T* source, Workspace workspace, T factor)
    {
        int elements = plan.BlockElements;
        T* target = workspace.Allocate<T>((long)plan.Blocks * elements);
        for (int block = 0; block < plan.Blocks; block++)
        {
            ScanBlock<V, T>.Load(plan, shape.States, source, block, target + (long)block * elements, factor);
        }

        return target;
    }
}
