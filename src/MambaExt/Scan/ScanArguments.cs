using MambaExt.Kernels;
using MambaExt.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>Checks the tensors of a scan before anything is computed: what was given, what is allowed, what to do.</summary>
internal static class ScanArguments
{
    private static readonly ScalarType[] Types = [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    public static SelectiveScanShape Check(ScanTensors t, bool softplus, bool reverse, bool states)
    {
        if (t.U.dim() != 3)
        {
            throw Wrong("u", t.U, "[B, L, D]", "put the batch first, then time, then channels");
        }

        if (!Types.Contains(t.U.dtype))
        {
            throw new ArgumentException($"u is {t.U.dtype}; a selective scan takes float32, float64, bfloat16 or half; convert it with to_type.");
        }

        long[] u = t.U.shape;
        if (t.A.dim() != 2 || t.A.shape[0] != u[2])
        {
            throw Wrong("A", t.A, $"[{u[2]}, N]", "it has a row for each channel of u");
        }

        long states_ = t.A.shape[1];
        var (perPositionB, groupsB) = Parameter("B", t.B, u, states_);
        var (perPositionC, groupsC) = t.C is null ? (false, groupsB) : Parameter("C", t.C, u, states_);
        long groups = perPositionB ? groupsB : perPositionC ? groupsC : 1;
        if (perPositionB && perPositionC && groupsB != groupsC)
        {
            throw new ArgumentException($"B has {groupsB} groups and C has {groupsC}; give both the same number.");
        }

        Expect("delta", t.Delta, u, "it has u's shape, so expand it first if channels share a step");
        Expect("z", t.Z, u, "the gate has u's shape");
        Expect("D", t.D, [u[2]], "it has an entry for each channel");
        Expect("delta_bias", t.DeltaBias, [u[2]], "it has an entry for each channel");
        Expect("initial_state", t.InitialState, [u[0], u[2], states_], "it is a state for each batch entry and channel");
        Expect("seq_idx", t.SequenceIndex, [u[0], u[1]], "it is a sequence number for each position");
        string[] names = ["u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state", "seq_idx"];
        bool narrow = t.U.dtype is ScalarType.BFloat16 or ScalarType.Float16;
        for (int i = 1; i < ScanTensors.Slots; i++)
        {
            if (t.All[i] is not { } tensor)
            {
                continue;
            }

            bool typed = i == 9 ? tensor.dtype == ScalarType.Int32 : tensor.dtype == t.U.dtype || (narrow && tensor.dtype == ScalarType.Float32);
            if (!typed)
            {
                string allowed = i == 9 ? "Int32" : narrow ? $"{t.U.dtype} or Float32" : $"{t.U.dtype}";
                throw new ArgumentException($"{names[i]} is {tensor.dtype} beside a {t.U.dtype} u; it must be {allowed}; convert it with to_type.");
            }

            if (!SameDevice(tensor, t.U))
            {
                throw new ArgumentException($"{names[i]} lies on {tensor.device} and u on {t.U.device}; move all tensors of a scan to one device.");
            }
        }

        var shape = new SelectiveScanShape
        {
            Batch = u[0], Length = u[1], Channels = checked((int)u[2]), States = checked((int)states_), Groups = checked((int)groups),
            PerPositionB = perPositionB, PerPositionC = perPositionC, Softplus = softplus, Reverse = reverse, ReturnStates = states,
        };
        shape.Validate();
        return shape;
    }

    /// <summary>Whether both lie on the same device, index included.</summary>
    public static bool SameDevice(Tensor one, Tensor other) => one.device.type == other.device.type && one.device.index == other.device.index;

    /// <summary>Sequences in rows and of u's type, the rest contiguous and, beside 16 bits, float32; a tensor that already is stays as it is.</summary>
    public static ScanTensors Layout(ScanTensors t)
    {
        var slots = new Tensor?[ScanTensors.Slots];
        ScalarType type = t.U.dtype, wide = ComputeTarget.Wide(type);
        for (int i = 0; i < slots.Length; i++)
        {
            Tensor? tensor = t.All[i];
            bool sequence = i is 0 or 1 or 6 || (i is 3 or 4 && tensor is not null && tensor.dim() > 2);
            tensor = tensor is null ? null : ComputeTarget.As(tensor, sequence ? type : wide);
            slots[i] = tensor is null ? null : sequence ? Rows.Of(tensor) : tensor.is_contiguous() ? tensor : tensor.contiguous();
        }

        return ScanTensors.FromSlots(slots);
    }

    private static (bool PerPosition, long Groups) Parameter(string name, Tensor tensor, long[] u, long states)
    {
        long[] shape = tensor.shape;
        bool constant = shape.Length == 2 && shape[0] == u[2] && shape[1] == states;
        bool plain = shape.Length == 3 && shape[0] == u[0] && shape[1] == u[1] && shape[2] == states;
        bool grouped = shape.Length == 4 && shape[0] == u[0] && shape[1] == u[1] && shape[3] == states;
        if (!constant && !plain && !grouped)
        {
            throw Wrong(name, tensor, $"[{u[0]}, {u[1]}, {states}], [{u[0]}, {u[1]}, G, {states}] or constant [{u[2]}, {states}]", "its last size is A's state size");
        }

        return (!constant, grouped ? shape[2] : 1);
    }

    private static void Expect(string name, Tensor? tensor, long[] shape, string advice)
    {
        if (tensor is not null && !tensor.shape.SequenceEqual(shape))
        {
            throw Wrong(name, tensor, $"[{string.Join(", ", shape)}]", advice);
        }
    }

    private static ArgumentException Wrong(string name, Tensor tensor, string expected, string advice) =>
        new($"{name} has shape [{string.Join(", ", tensor.shape)}], expected {expected}; {advice}.");
}
