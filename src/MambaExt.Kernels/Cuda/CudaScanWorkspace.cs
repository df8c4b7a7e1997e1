namespace MambaExt.Kernels.Cuda;

/// <summary>Where the parts of a selective scan's workspace lie: addresses, each aligned to 256 bytes, and after them the bytes in all.</summary>
internal readonly struct CudaScanWorkspace
{
    private const int Alignment = 256;

    /// <summary>States at the segments' ends (in the backward scan, their gradients) [B, segments, N, D], and the products of their decays.</summary>
    public readonly nint Ends;

    /// <inheritdoc cref="Ends"/>
    public readonly nint Products;

    public readonly nint RowsB;
    public readonly nint RowsC;
    public readonly nint SumA;
    public readonly nint SumB;
    public readonly nint SumC;
    public readonly nint SumD;
    public readonly nint SumBias;
    public readonly nint Scratch;
    public readonly long Bytes;

    /// <param name="shape">Sizes</param>
    /// <param name="plan">The shape's plan</param>
    /// <param name="width">Bytes of a state</param>
    /// <param name="start">Address of the workspace; 0 to measure it</param>
    /// <param name="backward">Of the backward scan</param>
    public CudaScanWorkspace(in SelectiveScanShape shape, in CudaScanPlan plan, int width, nint start, bool backward)
    {
        long bytes = 0, plane = (long)shape.Channels * shape.States;
        nint Take(long elements)
        {
            if (elements == 0)
            {
                return 0;
            }

            nint address = start + (nint)bytes;
            bytes = checked(bytes + (elements * width + Alignment - 1) / Alignment * Alignment);
            return address;
        }

        long ends = plan.Segments > 1 ? checked(shape.Batch * plan.Segments * plane) : 0;
        Ends = Take(ends);
        Products = Take(ends);
        if (backward)
        {
            long rows = plan.GroupBlocks == 1 ? 0 : checked(plan.GroupBlocks * plan.SliceEntries * shape.Length * shape.Groups * shape.States);
            RowsB = Take(shape.PerPositionB ? rows : 0);
            RowsC = Take(shape.PerPositionC && !shape.ReturnStates ? rows : 0);
            SumA = Take(checked(plan.Parts * plane));
            SumB = Take(shape.PerPositionB ? 0 : plan.Parts * plane);
            SumC = Take(shape.PerPositionC ? 0 : plan.Parts * plane);
            SumD = Take(plan.Parts * shape.Channels);
            SumBias = Take(plan.Parts * shape.Channels);
            int chunk = CudaScanBlock.ChunkSteps(width), slots = (plan.Passes > 1 ? CudaScanBlock.CarriedSlots : 0) + plan.CheckpointSteps / chunk - 1;
            Scratch = Take(checked(plan.SliceRuns * plan.Segments * plan.Blocks * plan.Passes * slots * CudaScanBlock.Threads(CudaScanPlan.MostLanes) * CudaScanPlan.LaneStates));
        }

        Bytes = bytes;
    }
}
