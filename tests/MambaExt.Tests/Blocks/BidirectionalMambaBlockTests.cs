using MambaExt.Blocks;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Blocks;

public sealed class BidirectionalMambaBlockTests : TensorTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void It_equals_two_blocks_one_over_the_flipped_sequence(bool mix)
    {
        using BidirectionalMambaBlock both = Block(mix);
        Dictionary<string, Tensor> parameters = both.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        using MambaBlock one = Part("forward_block."), other = Part("backward_block.");
        Tensor hidden = Draw(2, 7, 8).requires_grad_(), twin = Leaf(hidden);
        Tensor sum = one.forward(twin) + other.forward(twin.flip(1)).flip(1);
        Tensor expected = mix ? sum.matmul(parameters["out_proj.weight"].detach().t()) : sum, y = both.forward(hidden);
        TensorAssert.Close(expected, y, 1e-12);
        y.sin().sum().backward();
        expected.sin().sum().backward();
        TensorAssert.Close(twin.grad!, hidden.grad, 1e-11);
        foreach (var (block, prefix) in new[] { (one, "forward_block."), (other, "backward_block.") })
        {
            Assert.All(block.named_parameters(), p => TensorAssert.Close(p.parameter.grad!, parameters[prefix + p.name].grad, 1e-11, prefix + p.name));
        }

        Assert.Equal(mix, parameters.ContainsKey("out_proj.weight"));

        MambaBlock Part(string prefix)
        {
            MambaBlock block = MambaBlockTests.Block();
            using (no_grad())
            {
                foreach (var (name, parameter) in block.named_parameters())
                {
                    parameter.copy_(parameters[prefix + name]);
                }
            }

            return block;
        }
    }

    [Fact]
    public void Packed_sequences_do_not_see_one_another()
    {
        using BidirectionalMambaBlock block = Block();
        Tensor numbers = tensor(new[] { 3, 3, 3, 4, 0, 0, 0, 0, 0 }, [1, 9]), hidden = Draw(1, 9, 8);
        Tensor packed = block.Forward(hidden, numbers);
        Tensor separate = cat(hidden.split([3, 1, 5], 1).Select(p => block.Forward(p)).ToArray(), 1);
        TensorAssert.Close(separate, packed, 1e-12);
        Tensor other = hidden.clone();
        other.narrow(1, 3, 6).add_(1);
        TensorAssert.Same(packed.narrow(1, 0, 3), block.Forward(other, numbers).narrow(1, 0, 3));
    }

    [Fact]
    public void Each_position_sees_all()
    {
        using BidirectionalMambaBlock block = Block();
        Tensor hidden = Draw(1, 5, 8).requires_grad_();
        block.forward(hidden).select(1, 2).sum().backward();
        Assert.True((hidden.grad!.abs().sum(-1) > 0).all().item<bool>());
    }

    [Fact]
    public void Batch_mates_do_not_change_a_result()
    {
        using BidirectionalMambaBlock block = Block();
        Tensor hidden = Draw(3, 7, 8);
        TensorAssert.Close(block.forward(hidden).narrow(0, 1, 1), block.forward(hidden.narrow(0, 1, 1)), 1e-13);
    }

    private static BidirectionalMambaBlock Block(bool mix = true)
    {
        var block = new BidirectionalMambaBlock(new MambaOptions(8), mix);
        block.to(ScalarType.Float64);
        return block;
    }
}
