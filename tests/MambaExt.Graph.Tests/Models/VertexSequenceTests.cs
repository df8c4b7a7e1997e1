using MambaExt.Graph.Models;
using MambaExt.Graph.Orders;
using MambaExt.Graph.Tests.Support;
using MambaExt.Sparse;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Graph.Tests.Models;

public class VertexSequenceTests
{
    [Fact]
    public void Rows_go_out_and_back_with_their_gradients_even_when_the_order_is_gone()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn([6, 3], requires_grad: true), weight = randn(1, 6, 3);
        long[] order = [3, 0, 5, 1, 4, 2];
        var sequence = new VertexSequence(new VertexOrder([.. order]), [0, 0, 0, 1, 1, 1]);
        Tensor sorted = sequence.Sort(x);
        Assert.Equal(sequence.GraphOf!.data<int>(), [0, 0, 0, 1, 1, 1]);
        Same(x, sequence.Unsort(sorted));

        // Within each graph in the order's order: 0, 1, 2 and 3, 5, 4.
        Tensor inOrder = tensor(new long[] { 0, 1, 2, 3, 5, 4 });
        Same(x.index_select(0, inOrder), sorted.squeeze(0));
        sequence.Dispose();
        (sorted * weight).sum().backward();
        Same(weight.squeeze(0).index_select(0, inOrder), x.grad!);
    }

    [Fact]
    public void The_gradient_of_a_permutation_goes_back_where_its_row_came_from()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn([4, 2], ScalarType.Float64, requires_grad: true), order = tensor(new long[] { 2, 0, 3, 1 }), inverse = tensor(new long[] { 1, 3, 0, 2 });
        Tensor weight = randn([4, 2], ScalarType.Float64);
        (RowPermutation.Apply(x, order, inverse).pow(2) * weight).sum().backward();
        for (int row = 0; row < 4; row++)
        {
            // (f(x + h) - f(x - h)) / 2h of a quadratic is exact but for rounding.
            Tensor up = x.detach().clone(), down = x.detach().clone();
            up[row, 1] += 1e-3;
            down[row, 1] -= 1e-3;
            Tensor difference = (RowPermutation.Apply(up, order, inverse).pow(2) * weight).sum() - (RowPermutation.Apply(down, order, inverse).pow(2) * weight).sum();
            Assert.Equal(difference.item<double>() / 2e-3, x.grad![row, 1].item<double>(), 1e-8);
        }

        OneSentence.Of<ArgumentException>(() => RowPermutation.Apply(x, order.narrow(0, 0, 3), inverse), "[3]", "[4]");
    }

    private static void Same(Tensor expected, Tensor actual) => Assert.Equal(expected.data<float>().ToArray(), actual.data<float>().ToArray());
}
