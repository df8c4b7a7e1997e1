using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cuda;

// What the kernels of selective_scan*.cu take, field by field. The structs of inputs, outputs and gradients are the CPU's own.

[StructLayout(LayoutKind.Sequential)]
internal struct CudaScanSizes(in SelectiveScanShape shape, in CudaScanPlan plan)
{
    public long Batch = shape.Batch;
    public long Length = shape.Length;
    public long Segments = plan.Segments;
    public long SegmentSteps = plan.SegmentSteps;
    public int Channels = shape.Channels;
    public int States = shape.States;
    public int Groups = shape.Groups;
    public int GroupChannels = shape.Channels / shape.Groups;
    public int GroupBlocks = plan.GroupBlocks;
    public int Passes = plan.Passes;
    public int CheckpointSteps = plan.CheckpointSteps;
    public int PerPositionB = shape.PerPositionB ? 1 : 0;
    public int PerPositionC = shape.PerPositionC ? 1 : 0;
    public int Softplus = shape.Softplus ? 1 : 0;
    public int Reverse = shape.Reverse ? 1 : 0;
    public int ReturnStates = shape.ReturnStates ? 1 : 0;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CudaScanForward<T>
    where T : unmanaged
{
    public SelectiveScanInputs<T> Inputs;
    public SelectiveScanOutputs<T> Outputs;
    public nint Starts;
    public CudaScanSizes Sizes;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CudaScanBackward<T>
    where T : unmanaged
{
    public SelectiveScanInputs<T> Inputs;
    public SelectiveScanGradients<T> Gradients;
    public nint Checkpoints;
    public nint Carries;
    public nint RowsB;
    public nint RowsC;
    public nint SumA;
    public nint SumB;
    public nint SumC;
    public nint SumD;
    public nint SumBias;
    public nint Scratch;
    public long FirstBatch;
    public long LastBatch;
    public long Runs;
    public long FirstRun;
    public CudaScanSizes Sizes;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CudaScanEnds<T>
    where T : unmanaged
{
    public SelectiveScanInputs<T> Inputs;
    public nint GradOut;
    public long GradOutStride;
    public nint Ends;
    public nint Products;
    public CudaScanSizes Sizes;
    public int Backward;
    public int Unused;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CudaScanJoin
{
    public nint Ends;
    public nint Products;
    public nint First;
    public long Batch;
    public long Segments;
    public int Channels;
    public int States;
    public int Backward;
    public int Unused;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CudaScanSumRows
{
    public nint Parts;
    public nint Target;
    public long Stride;
    public long FirstRow;
    public long Rows;
    public long Width;
    public long Blocks;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CudaScanSumParameters
{
    public nint Parts;
    public nint Target;
    public long Count;
    public long Channels;
    public long States;
}
