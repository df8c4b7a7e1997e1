using System.Globalization;
using System.Numerics;

namespace MambaExt.Kernels.Verification;

/// <summary>Runs an <c>ssd_*</c> file against <see cref="StateSpaceDuality"/>, forward and every gradient.</summary>
internal static unsafe class GoldenSsd
{
    public static GoldenResult Run(GoldenFile file, KernelOptions options) =>
        file.IsDouble ? Run<double>(file, options) : Run<float>(file, options);

    private static GoldenResult Run<T>(GoldenFile file, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        long batch = Number("B"), length = Number("L");
        int heads = Number("H"), width = Number("P"), groups = Number("G"), states = Number("N");
        double[] limits = [.. file.Text("dt_limit").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(x => double.Parse(x, CultureInfo.InvariantCulture))];
        long sequence = batch * length * heads * width, steps = batch * length * heads, positions = batch * length * groups * states, state = batch * heads * width * states;
        bool wide = file.Find("D") is { Shape.Length: 2 };
        var shape = new StateSpaceDualityShape
        {
            Batch = batch, Length = length, Heads = heads, HeadWidth = width, Groups = groups, States = states, Softplus = file.Switch("dt_softplus"), SkipPerChannel = wide,
            LeastStep = limits.Length == 2 ? limits[0] : double.NegativeInfinity, LargestStep = limits.Length == 2 ? limits[1] : double.PositiveInfinity,
        };
        long skip = wide ? heads * width : heads;
        using var memory = new GoldenMemory<T>(file);
        var inputs = new StateSpaceDualityInputs<T>
        {
            X = memory.Plain("x", sequence), XStride = heads * width, Dt = memory.Plain("dt", steps), DtStride = heads, A = memory.Plain("A", heads),
            B = memory.Plain("B", positions), BStride = groups * states, C = memory.Plain("C", positions), CStride = groups * states,
            D = memory.Plain("D", skip), Z = memory.Plain("z", sequence), ZStride = heads * width, DtBias = memory.Plain("dt_bias", heads),
            InitialState = memory.Plain("initial_states", state), SequenceIndex = memory.Integers("seq_idx", batch * length),
        };
        var outputs = new StateSpaceDualityOutputs<T>
        {
            Out = memory.Result(sequence), OutStride = heads * width, LastState = memory.Result(state), Checkpoints = memory.Result(StateSpaceDuality.CheckpointElements<T>(shape)),
        };
        StateSpaceDuality.Forward(shape, inputs, outputs, options);
        Compare("out", outputs.Out, sequence, GoldenKind.Output);
        Compare("final_states", outputs.LastState, state, GoldenKind.Output);

        var gradients = new StateSpaceDualityGradients<T>
        {
            Out = memory.Plain("g_out", sequence), OutStride = heads * width, LastState = memory.Plain("g_final_states", state),
            X = memory.Result(sequence), XStride = heads * width, Dt = memory.Result(steps), DtStride = heads, A = memory.Result(heads),
            B = memory.Result(positions), BStride = groups * states, C = memory.Result(positions), CStride = groups * states,
            D = inputs.D == null ? null : memory.Result(skip), Z = inputs.Z == null ? null : memory.Result(sequence), ZStride = heads * width,
            DtBias = memory.Result(heads), InitialState = memory.Result(state),
        };
        StateSpaceDuality.Backward(shape, inputs, outputs.Checkpoints, gradients, options);
        Compare("grad_x", gradients.X, sequence, GoldenKind.SequenceGradient);
        Compare("grad_dt", gradients.Dt, steps, GoldenKind.SequenceGradient);
        Compare("grad_A", gradients.A, heads, GoldenKind.ParameterGradient);
        Compare("grad_B", gradients.B, positions, GoldenKind.SequenceGradient);
        Compare("grad_C", gradients.C, positions, GoldenKind.SequenceGradient);
        Compare("grad_D", gradients.D, skip, GoldenKind.ParameterGradient);
        Compare("grad_z", gradients.Z, sequence, GoldenKind.SequenceGradient);
        Compare("grad_dt_bias", gradients.DtBias, heads, GoldenKind.ParameterGradient);
        Compare("grad_initial_states", gradients.InitialState, state, GoldenKind.SequenceGradient);
        return file.Result($"Mamba-2 scan, {typeof(T).Name.ToLowerInvariant()}", options.VectorBits);

        int Number(string key) => int.Parse(file.Text(key), CultureInfo.InvariantCulture);

        void Compare(string name, T* got, long count, GoldenKind kind)
        {
            if (file.Find(name) is not null)
            {
                file.Compare(name, GoldenMemory<T>.Read(got, count), kind);
            }
        }
    }
}
