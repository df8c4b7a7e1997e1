using static TorchSharp.torch;

namespace MambaExt.Scan;

/// <summary>The tensors of one selective scan, in the order in which autograd sees them.</summary>
internal sealed class ScanTensors
{
    public const int Slots = 10;

    private readonly Tensor?[] _slots = new Tensor?[Slots];

    public required Tensor U { get => _slots[0]!; init => _slots[0] = value; }

    public required Tensor Delta { get => _slots[1]!; init => _slots[1] = value; }

    public required Tensor A { get => _slots[2]!; init => _slots[2] = value; }

    public required Tensor B { get => _slots[3]!; init => _slots[3] = value; }

    public Tensor? C { get => _slots[4]; init => _slots[4] = value; }

    public Tensor? D { get => _slots[5]; init => _slots[5] = value; }

    public Tensor? Z { get => _slots[6]; init => _slots[6] = value; }

    public Tensor? DeltaBias { get => _slots[7]; init => _slots[7] = value; }

    public Tensor? InitialState { get => _slots[8]; init => _slots[8] = value; }

    public Tensor? SequenceIndex { get => _slots[9]; init => _slots[9] = value; }

    public IReadOnlyList<Tensor?> All => _slots;

    public static ScanTensors FromSlots(IReadOnlyList<Tensor?> slots) => new()
    {
        U = slots[0]!, Delta = slots[1]!, A = slots[2]!, B = slots[3]!, C = slots[4], D = slots[5], Z = slots[6],
        DeltaBias = slots[7], InitialState = slots[8], SequenceIndex = slots[9],
    };

    /// <summary>Each tensor that is there through <paramref name="change"/>.</summary>
    public ScanTensors Map(Func<Tensor, Tensor> change) => FromSlots(_slots.Select(t => t is null ? null : change(t)).ToArray());
}
