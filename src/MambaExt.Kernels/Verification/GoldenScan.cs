using System.Numerics;

namespace MambaExt.Kernels.Verification;

/// <summary>Runs a <c>scan_*</c> or <c>scanx_*</c> file against <see cref="SelectiveScan"/>, forward and every gradient.</summary>
internal static unsafe class GoldenScan
{
    public static GoldenResult Run(GoldenFile file, KernelOptions options) =>
        file.IsDouble ? Run<double>(file, options) : Run<float>(file, options);

    private static GoldenResult Run<T>(GoldenFile file, KernelOptions options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int batch = Number("B"), channels = Number("D"), length = Number("L"), states = Number("N"), groups = Number("G");
        bool perB = file["B"].Shape.Length > 2, perC = file["C"].Shape.Length > 2;
        var shape = new SelectiveScanShape
        {
            Batch = batch, Length = length, Channels = channels, States = states, Groups = perB || perC ? groups : 1,
            PerPositionB = perB, PerPositionC = perC, Softplus = file.Switch("delta_softplus"), Reverse = file.Switch("reverse"),
        };
        int group = shape.Groups * states;
        long sequence = (long)batch * length * channels, state = (long)batch * channels * states, parameter = (long)channels * states, positions = (long)batch * length * group;
        using var memory = new GoldenMemory<T>(file);
        var inputs = new SelectiveScanInputs<T>
        {
            U = memory.TimeSecond("u", sequence), UStride = channels,
            Delta = memory.TimeSecond("delta", sequence), DeltaStride = channels,
            A = memory.Plain("A", parameter),
            B = perB ? memory.TimeSecond("B", positions) : memory.Plain("B", parameter), BStride = group,
            C = perC ? memory.TimeSecond("C", positions) : memory.Plain("C", parameter), CStride = group,
            Z = memory.TimeSecond("z", sequence), ZStride = channels,
            D = memory.Plain("D", channels), DeltaBias = memory.Plain("delta_bias", channels), InitialState = memory.Plain("h0", state),
            SequenceIndex = memory.Integers("seq_idx", (long)batch * length),
        };
        var outputs = new SelectiveScanOutputs<T>
        {
            Out = memory.Result(sequence), OutStride = channels, LastState = memory.Result(state),
            Checkpoints = memory.Result(SelectiveScan.CheckpointElements<T>(shape, options)),
        };
        SelectiveScan.Forward(shape, inputs, outputs, options);
        file.Compare("out", GoldenMemory<T>.ReadTimeLast(outputs.Out, batch, length, channels), GoldenKind.Output);
        file.Compare("last_state", GoldenMemory<T>.Read(outputs.LastState, state), GoldenKind.Output);

        var gradients = new SelectiveScanGradients<T>
        {
            Out = memory.TimeSecond("g_out", sequence), OutStride = channels, LastState = memory.Plain("g_last_state", state),
            U = memory.Result(sequence), UStride = channels,
            Delta = memory.Result(sequence), DeltaStride = channels,
            A = memory.Result(parameter),
            B = memory.Result(perB ? positions : parameter), BStride = group,
            C = memory.Result(perC ? positions : parameter), CStride = group,
            Z = memory.Result(sequence), ZStride = channels,
            D = memory.Result(channels), DeltaBias = memory.Result(channels), InitialState = memory.Result(state),
        };
        SelectiveScan.Backward(shape, inputs, outputs.Checkpoints, gradients, options);
        Sequence("u", gradients.U, channels);
        Sequence("delta", gradients.Delta, channels);
        Sequence("z", gradients.Z, channels);
        Parameter("A", gradients.A, parameter);
        Parameter("D", gradients.D, channels);
        Parameter("delta_bias", gradients.DeltaBias, channels);
        Position("B", gradients.B, perB);
        Position("C", gradients.C, perC);
        if (file.Find("grad_h0") is not null)
        {
            file.Compare("grad_h0", GoldenMemory<T>.Read(gradients.InitialState, state), GoldenKind.SequenceGradient);
        }

        return file.Result($"selective scan, {typeof(T).Name.ToLowerInvariant()}", options.VectorBits);

        int Number(string key) => int.Parse(file.Text(key), System.Globalization.CultureInfo.InvariantCulture);

        void Sequence(string name, T* got, int inner)
        {
            if (file.Find("grad_" + name) is not null)
            {
                file.Compare("grad_" + name, GoldenMemory<T>.ReadTimeLast(got, batch, length, inner), GoldenKind.SequenceGradient);
            }
        }

        void Parameter(string name, T* got, long count)
        {
            if (file.Find("grad_" + name) is not null)
            {
                file.Compare("grad_" + name, GoldenMemory<T>.Read(got, count), GoldenKind.ParameterGradient);
            }
        }

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
