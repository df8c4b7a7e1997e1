using MambaExt.Blocks;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Tests.Training;

/// <summary>bfloat16 has 8 significant bits: what is below half of its last place is lost in a sum, unless float32 keeps it.</summary>
public sealed class PrecisionTests : TensorTests
{
    private static readonly TrainingOptions Half = new() { patience = 0, precision = "bfloat16", clip = 0, weight_decay = 0 };

    [Fact]
    public void Steps_below_the_last_place_add_up_in_the_master_weights_and_are_lost_without()
    {
        const int Steps = 100;
        const double Rate = 1e-4;
        using Linear model = One();
        var host = new RecordingHost();
        var task = new TrainingTask<int> { Model = model, Batches = new WholeBatch<int>(0), Loss = _ => model.forward(ones(1, 1, dtype: ScalarType.BFloat16)).sum() };
        Trainer.Run(task, Half with { epochs = Steps, optimizer = "sgd", momentum = 0, learning_rate = Rate }, host);
        Assert.Equal(1 - ((Steps - 1) * Rate), host.States[^1]["master.weight"][0], 1e-5);
        Assert.Equal(ScalarType.BFloat16, model.weight.dtype);
        Assert.Equal(1 - (Steps * Rate), model.weight.ToDouble(), 0.004);
        Assert.NotEqual(1, model.weight.ToDouble());

        using Linear plain = One();
        plain.to(ScalarType.BFloat16);
        using OptimizerHelper sgd = optim.SGD(plain.parameters(), Rate);
        for (int step = 0; step < Steps; step++)
        {
            sgd.zero_grad();
            plain.forward(ones(1, 1, dtype: ScalarType.BFloat16)).sum().backward();
            sgd.step();
        }

        Assert.Equal(1, plain.weight.ToDouble());
    }

    [Fact]
    public void Gradients_are_clipped()
    {
        using nn.Module<Tensor, Tensor> model = Toy.Model();
        double[] before = Toy.Weights(model);
        var host = new RecordingHost();
        Trainer.Run(Toy.Task(model), Half with { epochs = 1, optimizer = "sgd", momentum = 0, learning_rate = 1, clip = 0.001 }, host);
        double moved = Math.Sqrt(before.Zip(Flat(host.States[1], "master."), (a, b) => (a - b) * (a - b)).Sum());
        Assert.Equal(0.001, moved, 0.0001);
    }

    [Fact]
    public void Accumulated_batches_are_averaged()
    {
        using nn.Module<Tensor, Tensor> whole = Toy.Model(), parts = Toy.Model();
        double[] start = Toy.Weights(whole);
        TrainingOptions options = Half with { epochs = 1, optimizer = "sgd", momentum = 0, learning_rate = 0.5 };
        Trainer.Run(Toy.Task(whole, Toy.Batches(Toy.Samples, shuffle: false)), options with { precision = "float32" });
        Trainer.Run(Toy.Task(parts, Toy.Batches(shuffle: false)), options with { accumulate = 4 });
        Toy.Close(Toy.Weights(whole), Toy.Weights(parts), 0.02);
        Assert.True(start.Zip(Toy.Weights(whole), (a, b) => Math.Abs(a - b)).Max() > 0.2);
    }

    [Fact]
    public void The_weight_average_moves_by_less_than_the_last_place()
    {
        const double Decay = 0.999;
        using Linear model = One();
        var host = new RecordingHost();
        var task = new TrainingTask<int> { Model = model, Batches = new WholeBatch<int>(0), Loss = _ => model.forward(ones(1, 1, dtype: ScalarType.BFloat16)).sum() };
        Trainer.Run(task, Half with { epochs = 40, optimizer = "sgd", momentum = 0, learning_rate = 0.01, ema = Decay }, host);
        double average = 1;
        for (int step = 1; step < 40; step++)
        {
            average = (Decay * average) + ((1 - Decay) * (1 - (step * 0.01)));
        }

        Assert.Equal(average, host.States[^1]["average.weight"][0], 1e-4);
    }

    [Fact]
    public void Mamba_blocks_and_norms_train_nearly_as_in_float32()
    {
        var options = new TrainingOptions { epochs = 40, patience = 0, learning_rate = 0.02, weight_decay = 0.01 };
        double single = Train(options, out List<double> singleLosses), half = Train(options with { precision = "bfloat16" }, out List<double> halfLosses);
        Assert.True(singleLosses[^1] < 0.3 * singleLosses[0], $"float32 went from {singleLosses[0]} to {singleLosses[^1]}");
        Assert.Equal(single, half, 0.1 * singleLosses[0]);
        Assert.NotEqual(singleLosses, halfLosses);
    }

    private static double Train(TrainingOptions options, out List<double> losses)
    {
        manual_seed(5);
        using var model = new Small();
        Tensor x = randn(8, 12, 8), y = x.cumsum(1).sin().mean([2], keepdim: true);
        List<double> seen = losses = [];
        var task = new TrainingTask<int>
        {
            Model = model,
            Batches = new WholeBatch<int>(0),
            Loss = _ => (model.forward(x.to(model.Type)).to(ScalarType.Float32) - y).square().mean(),
        };
        Trainer.Run(task, options, new TransientHost(e => seen.Add(e.TrainLoss)));
        Assert.Equal(options.precision == "bfloat16" ? ScalarType.BFloat16 : ScalarType.Float32, model.Type);
        Assert.All(model.parameters(), p => TensorAssert.Finite(p));
        return losses[^1];
    }

    private static Linear One()
    {
        Linear model = nn.Linear(1, 1, hasBias: false);
        using IDisposable _ = no_grad();
        model.weight.fill_(1);
        return model;
    }

    private static double[] Flat(Dictionary<string, float[]> state, string prefix) =>
        [.. state.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal)).SelectMany(t => t.Value).Select(w => (double)w)];

    private sealed class Small : nn.Module<Tensor, Tensor>
    {
        private readonly RmsNorm norm = new(8);
        private readonly MambaBlock block = new(new MambaOptions(8) { d_state = 4 });
        private readonly Linear head = nn.Linear(8, 1);

        public Small()
            : base(nameof(Small)) => RegisterComponents();

        public ScalarType Type => head.weight.dtype;

        public override Tensor forward(Tensor x)
        {
            using DisposeScope scope = NewDisposeScope();
            return head.forward(x + block.forward(norm.forward(x))).MoveToOuterDisposeScope();
        }
    }
}
