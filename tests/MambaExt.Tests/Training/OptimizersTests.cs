using MambaExt.Blocks;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Tests.Training;

public sealed class OptimizersTests : TensorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Momentum_of_sgd_is_the_published_recursion(bool nesterov)
    {
        const double Rate = 0.1, Momentum = 0.9;
        using var parameter = new Parameter(tensor(1.0));
        using OptimizerHelper optimizer = Optimizers.Create([("w", parameter)], new TrainingOptions { optimizer = "sgd", learning_rate = Rate, momentum = Momentum, weight_decay = 0, nesterov = nesterov });
        double w = 1, v = 0;
        for (int step = 0; step < 5; step++)
        {
            // Of w^3.
            double g = 3 * w * w;
            v = (Momentum * v) + g;
            w -= Rate * (nesterov ? g + (Momentum * v) : v);
            optimizer.zero_grad();
            parameter.pow(3).backward();
            optimizer.step();
            Assert.Equal(w, parameter.item<double>(), 1e-12);
        }
    }

    [Theory]
    [InlineData("adam", 0.5)]
    [InlineData("adam", 0.005)]
    [InlineData("adamw", 0.5)]
    [InlineData("adamw", 0.005)]
    public void Decay_is_part_of_the_gradient_of_adam_and_beside_that_of_adamw(string name, double decay)
    {
        const double Rate = 0.1;
        using var parameter = new Parameter(tensor(3.0));
        using OptimizerHelper optimizer = Optimizers.Create([("w", parameter)], new TrainingOptions { optimizer = name, learning_rate = Rate, weight_decay = decay });
        parameter.mul(0).backward();
        optimizer.step();

        // The first step of a gradient of any size is the rate; one of AdamW without a gradient is the decay alone.
        Assert.Equal(name == "adam" ? 3 - Rate : 3 * (1 - (Rate * decay)), parameter.item<double>(), 1e-6);
    }

    [Fact]
    public void Nesterov_asks_for_sgd_with_a_momentum()
    {
        Assert.Contains("nesterov is true; give false, or sgd", Assert.Throws<ArgumentException>(() => new TrainingOptions { nesterov = true }.Validate()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TrainingOptions { optimizer = "sgd", momentum = 0, nesterov = true }.Validate());
        new TrainingOptions { optimizer = "sgd", nesterov = true }.Validate();
    }

    [Fact]
    public void Weight_decay_spares_what_the_published_training_spares()
    {
        using var model = new BidirectionalMambaBlock(new MambaOptions(4));
        using OptimizerHelper optimizer = Optimizers.AdamW(model, 0.1, 0.5);
        Dictionary<string, Tensor> before = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());
        foreach (var (_, parameter) in model.named_parameters())
        {
            parameter.grad = zeros_like(parameter);
        }

        // Without gradients the step is the decay alone: times 1 - 0.1 * 0.5.
        optimizer.step();
        int spared = 0;
        foreach (var (name, parameter) in model.named_parameters())
        {
            bool free = name.EndsWith("A_log", StringComparison.Ordinal) || name.EndsWith(".D", StringComparison.Ordinal) || name.EndsWith("dt_proj.bias", StringComparison.Ordinal);
            TensorAssert.Close(free ? before[name] : before[name] * 0.95, parameter, 1e-6, name);
            spared += free ? 1 : 0;
        }

        Assert.Equal(6, spared);
    }

    [Fact]
    public void A_model_without_such_parameters_is_decayed_as_a_whole()
    {
        using var model = nn.Linear(2, 2);
        using OptimizerHelper optimizer = Optimizers.AdamW(model, 0.1, 0.5);
        Assert.Single(optimizer.ParamGroups);
    }

    [Theory]
    [InlineData("A_log", true)]
    [InlineData("D", true)]
    [InlineData("layers.0.mixer.D", true)]
    [InlineData("layers.0.mixer.dt_proj.bias", true)]
    [InlineData("layers.0.mixer.dt_proj.weight", false)]
    [InlineData("layers.0.mixer.conv1d.bias", false)]
    [InlineData("head.BAD", false)]
    public void NoWeightDecay_goes_by_the_published_names(string name, bool expected) => Assert.Equal(expected, MambaBlock.NoWeightDecay(name));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 0)]
    [InlineData(double.NaN, 0)]
    [InlineData(double.PositiveInfinity, 0)]
    [InlineData(0.1, -1)]
    [InlineData(0.1, double.NaN)]
    public void Rates_out_of_range_are_refused(double rate, double decay)
    {
        using var model = nn.Linear(2, 2);
        Refusal.Of<ArgumentException>(() => Optimizers.AdamW(model, rate, decay), double.IsFinite(rate) && rate > 0 ? "weight_decay" : "learning_rate", "finite");
    }
}
