using System.Numerics;

namespace MambaExt.Kernels.Verification;

/// <summary>Runs a <c>conv_*</c> file against <see cref="CausalConv1d"/>, forward and every gradient.</summary>
internal static unsafe class GoldenConv
{
    public static GoldenResult Run(GoldenFile file, KernelOptions options) =>
        file.IsDouble ? Run<double>(file, options) : Run<float>(file, options);

    private static GoldenResult Run<T>(GoldenFile file, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int batch = Number("B"), channels = Number("D"), length = Number("L"), width = Number("W");
        var shape = new CausalConv1dShape(batch, length, channels, width, file.Text("activation") == "silu");
        long sequence = (long)batch * length * channels, state = (long)batch * (width - 1) * channels;
        using var memory = new GoldenMemory<T>(file);
        var inputs = new CausalConv1dInputs<T>
        {
            X = memory.TimeSecond("x", sequence), Weight = memory.Plain("weight", (long)channels * width), Bias = memory.Plain("bias", channels),
            InitialStates = memory.TimeSecond("initial_states", state), SeqIdx = memory.Integers("seq_idx", (long)batch * length),
        };
        var outputs = new CausalConv1dOutputs<T> { Out = memory.Result(sequence), FinalStates = memory.Result(state) };
        CausalConv1d.Forward(shape, inputs, outputs, options);
        file.Compare("out", GoldenMemory<T>.ReadTimeLast(outputs.Out, batch, length, channels), GoldenKind.Output);

        if (file.Find("final_states") is not null)
        {
            file.Compare("final_states", GoldenMemory<T>.ReadTimeLast(outputs.FinalStates, batch, width - 1, channels), GoldenKind.Output);
        }

        var arriving = new CausalConv1dOutputGradients<T> { DOut = memory.TimeSecond("g_out", sequence), DFinalStates = memory.TimeSecond("g_final_states", state) };
        var written = new CausalConv1dInputGradients<T>
        {
            DX = memory.Result(sequence), DWeight = memory.Result((long)channels * width), DBias = memory.Result(channels), DInitialStates = memory.Result(state),
        };
        CausalConv1d.Backward(shape, inputs, arriving, written, options);
        file.Compare("grad_x", GoldenMemory<T>.ReadTimeLast(written.DX, batch, length, channels), GoldenKind.SequenceGradient);
        file.Compare("grad_weight", GoldenMemory<T>.Read(written.DWeight, (long)channels * width), GoldenKind.ParameterGradient);
        if (file.Find("grad_bias") is not null)
        {
            file.Compare("grad_bias", GoldenMemory<T>.Read(written.DBias, channels), GoldenKind.ParameterGradient);
        }

        if (file.Find("grad_initial_states") is not null)
        {
            file.Compare("grad_initial_states", GoldenMemory<T>.ReadTimeLast(written.DInitialStates, batch, width - 1, channels), GoldenKind.SequenceGradient);
        }

        return file.Result($"causal conv1d, {typeof(T).Name.ToLowerInvariant()}", options.VectorBits);

        int Number(string key) => int.Parse(file.Text(key), System.Globalization.CultureInfo.InvariantCulture);
    }
}
