using MambaExt.Native;
using static TorchSharp.torch;

namespace MambaExt.Sparse;

/// <summary>The rows of a tensor in another order. Both directions are gathers, so the gradient is no scattered sum; nothing of the order is held
/// beyond the autograd node, so an order may be drawn for one step and forgotten.</summary>
public static class RowPermutation
{
    /// <summary>y[i] = x[order[i]], [R, C] to [R, C]. Differentiable once.</summary>
    /// <param name="x">[R, C]</param>
    /// <param name="order">int64 [R], each of 0 ... R - 1 once; on x's device</param>
    /// <param name="inverse">int64 [R], where each row of x goes: order[inverse[i]] = i</param>
    public static Tensor Apply(Tensor x, Tensor order, Tensor inverse)
    {
        if (x.dim() != 2 || order.dim() != 1 || order.shape[0] != x.shape[0] || !order.shape.SequenceEqual(inverse.shape)
            || order.dtype != ScalarType.Int64 || inverse.dtype != ScalarType.Int64)
        {
            throw new ArgumentException(
                $"x has shape [{string.Join(", ", x.shape)}] and its order and inverse {order.dtype} [{string.Join(", ", order.shape)}] and {inverse.dtype} [{string.Join(", ", inverse.shape)}]; give [R, C] and two int64 vectors of R.");
        }

        return KernelFunction.Apply(new Call(order, inverse), x);
    }

    private sealed class Call(Tensor order, Tensor inverse) : KernelCall("A permutation of rows")
    {
        public override Tensor Forward(IReadOnlyList<Tensor> inputs, List<Tensor> save)
        {
            save.Add(inverse.alias());
            return inputs[0].index_select(0, order);
        }

        public override List<Tensor?> Backward(IReadOnlyList<Tensor> saved, Tensor dy) => [dy.index_select(0, saved[0])];
    }
}
