using MambaExt.Blocks;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Training;

public sealed class RecomputeTests : TensorTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Same_output_and_gradients_with_dropout_inside(bool inputWanted)
    {
        using nn.Module<Tensor, Tensor> block = Toy.Model(dropout: 0.5);
        Compare(block, () => new Recompute(block), randn(40, Toy.Width), inputWanted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Same_output_and_gradients_of_a_mamba_block(bool inputWanted)
    {
        using var block = new MambaBlock(new MambaOptions(6) { d_state = 4 });
        Compare(block, () => new Recompute(block), randn(2, 9, 6), inputWanted);
    }

    [Fact]
    public void Two_in_a_row_and_one_within_another()
    {
        manual_seed(1);
        using var first = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5));
        using var second = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Tanh());
        using var plain = nn.Sequential(first, second);
        Compare(plain, () => nn.Sequential(new Recompute(first), new Recompute(second)), randn(30, 4), true);
        Compare(plain, () => new Recompute(nn.Sequential(first, new Recompute(second))), randn(30, 4), true);
    }

    [Fact]
    public void A_block_that_freezes_its_parameters_gives_the_input_its_gradient()
    {
        using nn.Module<Tensor, Tensor> block = Toy.Model();
        foreach (var parameter in block.parameters())
        {
            parameter.requires_grad = false;
        }

        Compare(block, () => new Recompute(block), randn(5, Toy.Width), true);
    }

    [Fact]
    public void Without_gradients_it_is_the_block()
    {
        using nn.Module<Tensor, Tensor> block = Toy.Model();
        using var wrapped = new Recompute(block);
        Tensor x = randn(5, Toy.Width);
        using IDisposable _ = no_grad();
        Tensor y = wrapped.forward(x);
        Assert.False(y.requires_grad);
        TensorAssert.Same(block.forward(x), y);
        Assert.All(wrapped.named_parameters(), p => Assert.StartsWith("inner.", p.name, StringComparison.Ordinal));
    }

    [Fact]
    public void It_keeps_its_input_and_nothing_inside()
    {
        // Arrays above 32 MiB are given back to the system when freed, so that the resident set counts those that are kept.
        using var plain = nn.Sequential(nn.Tanh(), nn.Tanh(), nn.Tanh(), nn.Tanh(), nn.Tanh(), nn.Tanh());
        using var wrapped = new Recompute(plain);
        using Tensor x = rand(10240, 1024).requires_grad_();
        const long Array = 10240L * 1024 * 4;
        long kept = Kept(plain), keptLess = Kept(wrapped);
        Assert.True(kept > 5.5 * Array, $"the plain block keeps {kept >> 20} MiB");
        Assert.True(keptLess < 2.5 * Array, $"the wrapped block keeps {keptLess >> 20} MiB");

        long Kept(nn.Module<Tensor, Tensor> block)
        {
            LeakCheck.Collect();
            long before = LeakCheck.Resident();
            using Tensor y = block.forward(x);
            LeakCheck.Collect();
            return LeakCheck.Resident() - before;
        }
    }

    [Fact]
    public void It_leaves_no_tensor_behind()
    {
        using nn.Module<Tensor, Tensor> block = Toy.Model(0.5);
        using var wrapped = new Recompute(block);
        LeakCheck.LeavesNothing(() => WithoutScope(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            wrapped.forward(randn(5, Toy.Width)).sum().backward();
            block.zero_grad();
        }));
    }

    [Fact]
    public void A_training_with_it_is_the_training_without()
    {
        var options = new TrainingOptions { epochs = 2, patience = 0 };
        using nn.Module<Tensor, Tensor> plain = Toy.Model(0.3);
        Trainer.Run(Toy.Task(plain), options);
        using nn.Module<Tensor, Tensor> inner = Toy.Model(0.3);
        using var wrapped = new Recompute(inner);
        Trainer.Run(Toy.Task(wrapped), options);
        Assert.Equal(Toy.Weights(plain), Toy.Weights(wrapped));
    }

    [Fact]
    public void A_second_derivative_is_an_error_and_not_silence()
    {
        using nn.Module<Tensor, Tensor> block = Toy.Model();
        using var wrapped = new Recompute(block);
        Tensor x = randn([5, Toy.Width], requires_grad: true);
        IList<Tensor> gradients = autograd.grad([wrapped.forward(x).square().sum()], [x], null, true, true);
        Assert.True(gradients[0].isnan().all().item<bool>());
        Refusal.Of<NotSupportedException>(() => wrapped.forward(x), "second derivative", "without it");
        Assert.True(wrapped.forward(x).isfinite().all().item<bool>());
    }

    /// <summary>Output, every gradient and torch's generator afterwards are the same bits.</summary>
    private static void Compare(nn.Module<Tensor, Tensor> plain, Func<nn.Module<Tensor, Tensor>> wrap, Tensor input, bool inputWanted)
    {
        var (y, own, gradients, next) = Pass(plain);
        var (wrappedY, wrappedOwn, wrappedGradients, wrappedNext) = Pass(wrap());
        TensorAssert.Same(y, wrappedY, "output");
        Assert.Equal(inputWanted, own is not null);
        if (own is not null)
        {
            TensorAssert.Same(own, wrappedOwn, "gradient of the input");
        }

        Assert.Equal(gradients.Keys, wrappedGradients.Keys);
        Assert.All(gradients, g => TensorAssert.Same(g.Value, wrappedGradients[g.Key], g.Key));
        TensorAssert.Same(next, wrappedNext, "the random numbers that follow");

        (Tensor Y, Tensor? Own, Dictionary<string, Tensor> Gradients, Tensor Next) Pass(nn.Module<Tensor, Tensor> block)
        {
            plain.zero_grad();
            manual_seed(11);
            Tensor x = input.detach().clone().requires_grad_(inputWanted), result = block.forward(x);
            (result * rand_like(result)).sum().backward();
            return (result.detach(), x.grad, plain.named_parameters().Where(p => p.parameter.requires_grad).ToDictionary(p => p.name, p => p.parameter.grad!.clone()), rand(8));
        }
    }
}
