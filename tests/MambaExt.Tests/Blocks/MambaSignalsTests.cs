using MambaExt.Blocks;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Blocks;

public sealed class MambaSignalsTests : TensorTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void ForwardWithSignals_equals_forward(bool packed, bool reverse)
    {
        using MambaBlock block = MambaBlockTests.Block();
        Tensor hidden = Draw(2, 6, 8);
        Tensor? numbers = packed ? tensor(new[] { 0, 0, 1, 1, 1, 2, 5, 5, 5, 5, 6, 6 }, [2, 6]) : null;
        var (y, signals) = block.ForwardWithSignals(hidden, null, numbers, reverse);
        TensorAssert.Close(block.Forward(hidden, numbers, reverse), y, 1e-12);
        Assert.Equal([2, 6, 1], signals.dt_low!.shape);
        Assert.Equal([2, 6, 16], signals.delta!.shape);
        Assert.Equal([2, 6, 16], signals.B!.shape);
        Assert.Equal([2, 6, 16], signals.C!.shape);
        Assert.Equal([2, 6, 16], signals.z!.shape);
        Assert.True(signals.delta.min().item<double>() > 0);
    }

    [Fact]
    public void Signals_lead_gradients_to_every_parameter_before_them()
    {
        using MambaBlock block = MambaBlockTests.Block();
        Tensor hidden = Draw(2, 6, 8).requires_grad_();
        foreach (var (name, pick, reached) in new (string, Func<MambaSignals, Tensor>, string[])[]
        {
            ("dt_low", s => s.dt_low!, ["conv1d.bias", "conv1d.weight", "in_proj.weight", "x_proj.weight"]),
            ("delta", s => s.delta!, ["conv1d.bias", "conv1d.weight", "dt_proj.bias", "dt_proj.weight", "in_proj.weight", "x_proj.weight"]),
            ("B", s => s.B!, ["conv1d.bias", "conv1d.weight", "in_proj.weight", "x_proj.weight"]),
            ("C", s => s.C!, ["conv1d.bias", "conv1d.weight", "in_proj.weight", "x_proj.weight"]),
            ("z", s => s.z!, ["in_proj.weight"]),
        })
        {
            Tensor signal;
            using (DisposeScope scope = NewDisposeScope())
            {
                signal = pick(block.ForwardWithSignals(hidden).Signals).MoveToOuterDisposeScope();
            }

            hidden.grad = null;
            foreach (var (_, parameter) in block.named_parameters())
            {
                parameter.grad = null;
            }

            signal.square().sum().backward();
            Assert.True(hidden.grad is not null, name);
            Assert.Equal(reached, block.named_parameters().Where(p => p.parameter.grad is not null).Select(p => p.name).Order());
        }
    }

    [Fact]
    public void Injected_signals_reproduce_the_output_and_get_gradients()
    {
        using MambaBlock block = MambaBlockTests.Block(), other = MambaBlockTests.Block();
        Tensor hidden = Draw(2, 6, 8);
        var (y, own) = block.ForwardWithSignals(hidden);

        // The steering of another block must not show: all of it is replaced.
        using (no_grad())
        {
            Dictionary<string, Tensor> target = other.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
            foreach (var (name, parameter) in block.named_parameters())
            {
                if (name is "conv1d.weight" or "conv1d.bias" or "A_log" or "D" or "out_proj.weight")
                {
                    target[name].copy_(parameter);
                }
                else if (name == "in_proj.weight")
                {
                    target[name].narrow(0, 0, 16).copy_(parameter.narrow(0, 0, 16));
                }
            }
        }

        var given = new MambaSignals(null, Leaf(own.delta!), Leaf(own.B!), Leaf(own.C!), Leaf(own.z!));
        var (again, returned) = other.ForwardWithSignals(hidden, given);
        TensorAssert.Close(y, again, 1e-12);
        Assert.Same(given.delta, returned.delta);
        Assert.Same(given.B, returned.B);
        again.square().sum().backward();
        Assert.All(new[] { given.delta, given.B, given.C, given.z }, s => TensorAssert.Finite(s!.grad));
        Assert.All(new[] { given.delta, given.B, given.C, given.z }, s => Assert.True(s!.grad!.abs().max().item<double>() > 0));
    }

    [Fact]
    public void One_injected_signal_leaves_the_others_computed()
    {
        using MambaBlock block = MambaBlockTests.Block();
        Tensor hidden = Draw(2, 6, 8);
        var (y, own) = block.ForwardWithSignals(hidden);
        foreach (MambaSignals given in new MambaSignals[] { new(dt_low: own.dt_low), new(delta: own.delta), new(B: own.B), new(C: own.C), new(z: own.z) })
        {
            TensorAssert.Close(y, block.ForwardWithSignals(hidden, given).Out, 1e-12);
        }

        var (changed, _) = block.ForwardWithSignals(hidden, new MambaSignals(dt_low: own.dt_low! + 1));
        Assert.True((changed - y).abs().max().item<double>() > 1e-6);
    }

    /// <summary>Steps, B and C that do not depend on the input: between convolution and gate lies a linear system, and moving its input
    /// moves its output.</summary>
    [Fact]
    public void Constant_signals_make_the_scan_time_invariant()
    {
        using MambaBlock block = MambaBlockTests.Block();
        Tensor B = Draw(16, 16).requires_grad_(), C = Draw(16, 16).requires_grad_(), z = ones(1, 40, 16, ScalarType.Float64), none = zeros(1, 40, 1, ScalarType.Float64);
        var given = new MambaSignals(dt_low: none, B: B, C: C, z: z);
        Tensor Answer(Tensor hidden) => block.ForwardWithSignals(hidden, given).Out - block.ForwardWithSignals(zeros_like(hidden), given).Out;
        Tensor word = Draw(1, 5, 8), pause = zeros(1, 20, 8, ScalarType.Float64), rest = zeros(1, 15, 8, ScalarType.Float64);
        Tensor early = Answer(cat([word, rest, pause], 1)), late = Answer(cat([pause, word, rest], 1));
        TensorAssert.Close(early.narrow(1, 0, 20), late.narrow(1, 20, 20), 1e-12);
        late.square().sum().backward();
        Assert.All(new[] { B, C }, s => Assert.True(s.grad!.abs().max().item<double>() > 0));
        Assert.Null(block.named_parameters().Single(p => p.name == "x_proj.weight").parameter.grad);
    }

    [Fact]
    public void A_signal_of_the_wrong_shape_is_refused()
    {
        using MambaBlock block = MambaBlockTests.Block();
        Tensor hidden = Draw(2, 6, 8);
        Refusal.Of<ArgumentException>(() => block.ForwardWithSignals(hidden, new MambaSignals(dt_low: Draw(2, 6, 2))), "dt_low", "[2, 6, 2]", "[2, 6, 1]");
        Refusal.Of<ArgumentException>(() => block.ForwardWithSignals(hidden, new MambaSignals(delta: Draw(2, 6, 8))), "delta", "[2, 6, 16]");
        Refusal.Of<ArgumentException>(() => block.ForwardWithSignals(hidden, new MambaSignals(B: Draw(2, 6, 15))), "B has shape [2, 6, 15]");
        Refusal.Of<ArgumentException>(() => block.ForwardWithSignals(hidden, new MambaSignals(z: randn(2, 6, 16))), "z is Float32", "Float64");
    }
}
