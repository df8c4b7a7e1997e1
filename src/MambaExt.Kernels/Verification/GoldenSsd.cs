using System.Globalization;

namespace MambaExt.Kernels.Verification;

/// <summary>Computes what an <c>ssd_*</c> file holds: a Mamba-2 scan, forward and every gradient.</summary>
internal static unsafe class GoldenSsd
{
    public static void Run<T>(GoldenFile file, DeviceKernels<T> kernels, GoldenMemory<T> memory, GoldenTensors results)
        where T : unmanaged
    {
        long batch = file.Number("B"), length = file.Number("L");
        int heads = file.Number("H"), width = file.Number("P"), groups = file.Number("G"), states = file.Number("N");
        double[] limits = [.. file.Text("dt_limit").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(x => double.Parse(x, CultureInfo.InvariantCulture))];
        long sequence = batch * length * heads * width, steps = batch * length * heads, positions = batch * length * groups * states, state = batch * heads * width * states;
        bool wide = file.Find("D") is { Shape.Length: 2 };
        var shape = new StateSpaceDualityShape
        {
            Batch = batch, Length = length, Heads = heads, HeadWidth = width, Groups = groups, States = states, Softplus = file.Switch("dt_softplus"), SkipPerChannel = wide,
            LeastStep = limits.Length == 2 ? limits[0] : double.NegativeInfinity, LargestStep = limits.Length == 2 ? limits[1] : double.PositiveInfinity,
        };
        long skip = wide ? heads * width : heads;
        var inputs = new StateSpaceDualityInputs<T>
        {
            X = memory.Rows("x", sequence), XStride = heads * width, Dt = memory.Rows("dt", steps), DtStride = heads, A = memory.Parameter("A", heads),
            B = memory.Rows("B", positions), BStride = groups * states, C = memory.Rows("C", positions), CStride = groups * states,
            D = memory.Parameter("D", skip), Z = memory.Rows("z", sequence), ZStride = heads * width, DtBias = memory.Parameter("dt_bias", heads),
            InitialState = memory.Parameter("initial_states", state), SequenceIndex = memory.Integers("seq_idx", batch * length),
        };
        var outputs = new StateSpaceDualityOutputs<T>
        {
            Out = memory.Result(sequence), OutStride = heads * width, LastState = memory.WideResult(state), Checkpoints = memory.WideResult(kernels.CheckpointElements(shape)),
        };
        kernels.Forward(shape, inputs, outputs, memory.Workspace(kernels.ForwardWorkspaceBytes(shape, checkpoints: true)));
        results.Add("out", GoldenKind.Output, () => memory.Read(outputs.Out, sequence));
        results.Add("final_states", GoldenKind.Output, () => memory.ReadWide(outputs.LastState, state));

        var gradients = new StateSpaceDualityGradients<T>
        {
            Out = memory.Rows("g_out", sequence), OutStride = heads * width, LastState = memory.Parameter("g_final_states", state),
            X = memory.Result(sequence), XStride = heads * width, Dt = memory.Result(steps), DtStride = heads, A = memory.WideResult(heads),
            B = memory.Result(positions), BStride = groups * states, C = memory.Result(positions), CStride = groups * states,
            D = inputs.D == null ? null : memory.WideResult(skip), Z = inputs.Z == null ? null : memory.Result(sequence), ZStride = heads * width,
            DtBias = memory.WideResult(heads), InitialState = memory.WideResult(state),
        };
        kernels.Backward(shape, inputs, (nint)outputs.Checkpoints, gradients, memory.Workspace(kernels.BackwardWorkspaceBytes(shape)));
        results.Add("grad_x", GoldenKind.SequenceGradient, () => memory.Read(gradients.X, sequence));
        results.Add("grad_dt", GoldenKind.SequenceGradient, () => memory.Read(gradients.Dt, steps));
        results.Add("grad_A", GoldenKind.ParameterGradient, () => memory.ReadWide(gradients.A, heads));
        results.Add("grad_B", GoldenKind.SequenceGradient, () => memory.Read(gradients.B, positions));
        results.Add("grad_C", GoldenKind.SequenceGradient, () => memory.Read(gradients.C, positions));
        results.Add("grad_D", GoldenKind.ParameterGradient, () => memory.ReadWide(gradients.D, skip));
        results.Add("grad_z", GoldenKind.SequenceGradient, () => memory.Read(gradients.Z, sequence));
        results.Add("grad_dt_bias", GoldenKind.ParameterGradient, () => memory.ReadWide(gradients.DtBias, heads));
        results.Add("grad_initial_states", GoldenKind.SequenceGradient, () => memory.ReadWide(gradients.InitialState, state));
    }
}
