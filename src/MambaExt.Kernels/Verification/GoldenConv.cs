namespace MambaExt.Kernels.Verification;

/// <summary>Computes what a <c>conv_*</c> file holds: a causal convolution, forward and every gradient.</summary>
internal static unsafe class GoldenConv
{
    public static void Run<T>(GoldenFile file, DeviceKernels<T> kernels, GoldenMemory<T> memory, GoldenTensors results)
        where T : unmanaged
    {
        int batch = file.Number("B"), channels = file.Number("D"), length = file.Number("L"), width = file.Number("W");
        var shape = new CausalConv1dShape(batch, length, channels, width, file.Text("activation") == "silu");
        long sequence = (long)batch * length * channels, state = (long)batch * (width - 1) * channels;
        var inputs = new CausalConv1dInputs<T>
        {
            X = memory.Sequence("x", sequence), Weight = memory.Parameter("weight", (long)channels * width), Bias = memory.Parameter("bias", channels),
            InitialStates = memory.State("initial_states", state), SeqIdx = memory.Integers("seq_idx", (long)batch * length),
        };
        var outputs = new CausalConv1dOutputs<T> { Out = memory.Result(sequence), FinalStates = memory.WideResult(state) };
        kernels.Forward(shape, inputs, outputs);
        results.Add("out", GoldenKind.Output, () => memory.ReadTimeLast(outputs.Out, batch, length, channels));
        results.Add("final_states", GoldenKind.Output, () => memory.ReadStateTimeLast(outputs.FinalStates, batch, width - 1, channels));

        var arriving = new CausalConv1dOutputGradients<T> { DOut = memory.Sequence("g_out", sequence), DFinalStates = memory.State("g_final_states", state) };
        var written = new CausalConv1dInputGradients<T>
        {
            DX = memory.Result(sequence), DWeight = memory.WideResult((long)channels * width), DBias = memory.WideResult(channels), DInitialStates = memory.WideResult(state),
        };
        kernels.Backward(shape, inputs, arriving, written, memory.Workspace(kernels.BackwardWorkspaceBytes(shape)));
        results.Add("grad_x", GoldenKind.SequenceGradient, () => memory.ReadTimeLast(written.DX, batch, length, channels));
        results.Add("grad_weight", GoldenKind.ParameterGradient, () => memory.ReadWide(written.DWeight, (long)channels * width));
        results.Add("grad_bias", GoldenKind.ParameterGradient, () => memory.ReadWide(written.DBias, channels));
        results.Add("grad_initial_states", GoldenKind.SequenceGradient, () => memory.ReadStateTimeLast(written.DInitialStates, batch, width - 1, channels));
    }
}
