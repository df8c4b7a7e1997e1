using System.Buffers;
using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Checkpoints;

/// <summary>The bytes of a contiguous CPU tensor in place, as <see cref="Memory{T}"/>; the caller keeps the tensor alive.</summary>
internal sealed unsafe class TensorMemory : MemoryManager<byte>
{
    private readonly byte* first;
    private readonly int length;

    public TensorMemory(Tensor tensor)
    {
        long bytes = tensor.numel() * tensor.element_size();
        if (bytes > Array.MaxLength)
        {
            throw new ArgumentException($"A tensor takes {bytes} bytes; at most {Array.MaxLength} fit one array of a file; split it.", nameof(tensor));
        }

        first = (byte*)TensorPointer.Of(tensor);
        length = (int)bytes;
    }

    public override Span<byte> GetSpan() => new(first, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(first + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
