namespace MambaExt.Kernels.Verification;

/// <summary>Computes what a <c>scan_*</c> or <c>scanx_*</c> file holds: a selective scan, forward and every gradient.</summary>
internal static unsafe class GoldenScan
{
    public static void Run<T>(GoldenFile file, DeviceKernels<T> kernels, GoldenMemory<T> memory, GoldenTensors results)
        where T : unmanaged
    {
        int batch = file.Number("B"), channels = file.Number("D"), length = file.Number("L"), states = file.Number("N"), groups = file.Number("G");
        bool perB = file["B"].Shape.Length > 2, perC = file["C"].Shape.Length > 2;
        var shape = new SelectiveScanShape
        {
            Batch = batch, Length = length, Channels = channels, States = states, Groups = perB || perC ? groups : 1,
            PerPositionB = perB, PerPositionC = perC, Softplus = file.Switch("delta_softplus"), Reverse = file.Switch("reverse"),
        };
        int group = shape.Groups * states;
        long sequence = (long)batch * length * channels, state = (long)batch * channels * states, parameter = (long)channels * states, positions = (long)batch * length * group;
        var inputs = new SelectiveScanInputs<T>
        {
            U = memory.Sequence("u", sequence), UStride = channels,
            Delta = memory.Sequence("delta", sequence), DeltaStride = channels,
            A = memory.Parameter("A", parameter),
            B = perB ? memory.Sequence("B", positions) : memory.Parameter("B", parameter), BStride = group,
            C = perC ? memory.Sequence("C", positions) : memory.Parameter("C", parameter), CStride = group,
            Z = memory.Sequence("z", sequence), ZStride = channels,
            D = memory.Parameter("D", channels), DeltaBias = memory.Parameter("delta_bias", channels), InitialState = memory.Parameter("h0", state),
            SequenceIndex = memory.Integers("seq_idx", (long)batch * length),
        };
        var outputs = new SelectiveScanOutputs<T>
        {
            Out = memory.Result(sequence), OutStride = channels, LastState = memory.WideResult(state),
            Checkpoints = memory.WideResult(kernels.CheckpointElements(shape)),
        };
        kernels.Forward(shape, inputs, outputs, memory.Workspace(kernels.ForwardWorkspaceBytes(shape, checkpoints: true)));
        results.Add("out", GoldenKind.Output, () => memory.ReadTimeLast(outputs.Out, batch, length, channels));
        results.Add("last_state", GoldenKind.Output, () => memory.ReadWide(outputs.LastState, state));

        var gradients = new SelectiveScanGradients<T>
        {
            Out = memory.Sequence("g_out", sequence), OutStride = channels, LastState = memory.Parameter("g_last_state", state),
            U = memory.Result(sequence), UStride = channels,
            Delta = memory.Result(sequence), DeltaStride = channels,
            A = memory.WideResult(parameter),
            B = perB ? memory.Result(positions) : memory.WideResult(parameter), BStride = group,
            C = perC ? memory.Result(positions) : memory.WideResult(parameter), CStride = group,
            Z = inputs.Z == null ? null : memory.Result(sequence), ZStride = channels,
            D = memory.WideResult(channels), DeltaBias = memory.WideResult(channels), InitialState = memory.WideResult(state),
        };
        kernels.Backward(shape, inputs, (nint)outputs.Checkpoints, gradients, memory.Workspace(kernels.BackwardWorkspaceBytes(shape)));
        Sequence("u", gradients.U, channels);
        Sequence("delta", gradients.Delta, channels);
        Sequence("z", gradients.Z, channels);
        Parameter("A", gradients.A, parameter);
        Parameter("D", gradients.D, channels);
        Parameter("delta_bias", gradients.DeltaBias, channels);
        Position("B", gradients.B, perB);
        Position("C", gradients.C, perC);
        results.Add("grad_h0", GoldenKind.SequenceGradient, () => memory.ReadWide(gradients.InitialState, state));

        void Sequence(string name, T* got, int inner) => results.Add("grad_" + name, GoldenKind.SequenceGradient, () => memory.ReadTimeLast(got, batch, length, inner));

        void Parameter(string name, T* got, long count) => results.Add("grad_" + name, GoldenKind.ParameterGradient, () => memory.ReadWide(got, count));

        void Position(string name, T* got, bool perPosition)
        {
            if (perPosition)
            {
                Sequence(name, got, group);
            }
            else
            {
                Parameter(name, got, parameter);
            }
        }
    }
}
