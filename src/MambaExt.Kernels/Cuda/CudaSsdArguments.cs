using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cuda;

/// <summary>The argument of every kernel of state-space duality, field by field as it stands in <c>state_space_duality.cu</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CudaSsdArguments
{
    public nint X;
    public long XStride;
    public nint Dt;
    public long DtStride;
    public nint B;
    public long BStride;
    public nint C;
    public long CStride;
    public nint Z;
    public long ZStride;
    public nint A;
    public nint Skip;
    public nint Bias;
    public nint Initial;
    public nint Sequence;
    public nint Out;
    public long OutStride;
    public nint Last;
    public nint GradOut;
    public long GradOutStride;
    public nint GradX;
    public long GradXStride;
    public nint GradDt;
    public long GradDtStride;
    public nint GradB;
    public long GradBStride;
    public nint GradC;
    public long GradCStride;
    public nint GradZ;
    public long GradZStride;
    public nint GradLast;
    public nint GradA;
    public nint GradSkip;
    public nint GradBias;
    public nint GradInitial;
    public nint Before;
    public nint After;
    public nint Scores;
    public nint Factors;
    public nint Pairs;
    public nint PartialB;
    public nint PartialC;
    public nint Crossing;
    public nint Reading;
    public nint Written;
    public nint Through;
    public nint Carried;
    public nint SumsA;
    public nint SumsBias;
    public nint SumsSkip;
    public long Batch;
    public long Length;
    public double Least;
    public double Largest;
    public int Heads;
    public int Width;
    public int States;
    public int Groups;
    public int Softplus;
    public int SkipPerChannel;
    public int Splits;
    public int Walk;

    /// <summary>Sizes and inputs.</summary>
    public static CudaSsdArguments Of<T>(in StateSpaceDualityShape shape, in CudaSsdPlan plan, in StateSpaceDualityInputs<T> inputs)
        where T : unmanaged => new()
        {
            X = (nint)inputs.X,
            XStride = inputs.XStride,
            Dt = (nint)inputs.Dt,
            DtStride = inputs.DtStride,
            B = (nint)inputs.B,
            BStride = inputs.BStride,
            C = (nint)inputs.C,
            CStride = inputs.CStride,
            Z = (nint)inputs.Z,
            ZStride = inputs.ZStride,
            A = (nint)inputs.A,
            Skip = (nint)inputs.D,
            Bias = (nint)inputs.DtBias,
            Initial = (nint)inputs.InitialState,
            Sequence = (nint)inputs.SequenceIndex,
            Batch = shape.Batch,
            Length = shape.Length,
            Least = shape.LeastStep,
            Largest = shape.LargestStep,
            Heads = shape.Heads,
            Width = shape.HeadWidth,
            States = shape.States,
            Groups = shape.Groups,
            Softplus = shape.Softplus ? 1 : 0,
            SkipPerChannel = shape.SkipPerChannel ? 1 : 0,
            Splits = plan.Splits,
            Walk = plan.Walk ? 1 : 0,
        };

    /// <summary>What the forward pass writes.</summary>
    public void Set<T>(in StateSpaceDualityOutputs<T> outputs)
        where T : unmanaged => (Out, OutStride, Last) = ((nint)outputs.Out, outputs.OutStride, (nint)outputs.LastState);

    /// <summary>What the backward pass reads and writes.</summary>
    public void Set<T>(in StateSpaceDualityGradients<T> gradients)
        where T : unmanaged
    {
        (GradOut, GradOutStride) = ((nint)gradients.Out, gradients.OutStride);
        (GradX, GradXStride) = ((nint)gradients.X, gradients.XStride);
        (GradDt, GradDtStride) = ((nint)gradients.Dt, gradients.DtStride);
        (GradB, GradBStride) = ((nint)gradients.B, gradients.BStride);
        (GradC, GradCStride) = ((nint)gradients.C, gradients.CStride);
        (GradZ, GradZStride) = ((nint)gradients.Z, gradients.ZStride);
        (GradLast, GradInitial) = ((nint)gradients.LastState, (nint)gradients.InitialState);
        (GradA, GradSkip, GradBias) = ((nint)gradients.A, (nint)gradients.D, (nint)gradients.DtBias);
    }
}
