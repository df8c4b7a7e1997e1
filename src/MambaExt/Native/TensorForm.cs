using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>What a tensor looks like, without its values.</summary>
internal sealed record TensorForm(long[] Shape, ScalarType Type, Device Device)
{
    /// <summary>The form of <paramref name="tensor"/>.</summary>
    public static TensorForm Of(Tensor tensor) => new(tensor.shape, tensor.dtype, tensor.device);

    /// <summary>A tensor of this form with whatever lay in its memory.</summary>
    public Tensor Empty() => empty(Shape, Type, Device);

    /// <summary>A tensor of this form full of zeros.</summary>
    public Tensor Zeros() => zeros(Shape, Type, Device);
}
