using MambaExt.Distributed;
using MambaExt.Tests.Distributed;
using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Training;

/// <summary>Ranks that share each batch train as one process does, and go on from a checkpoint together.</summary>
public sealed class DataParallelTrainerTests : TensorTests
{
    private static readonly TrainingOptions Options = new() { epochs = 4, patience = 0, learning_rate = 0.05, accumulate = 2, ema = 0.5, clip = 0.5, schedule = "cosine" };

    [Theory]
    [InlineData("sgd", 1e-6)]
    [InlineData("adamw", 1e-4)]
    public void Two_ranks_with_parts_of_unequal_size_are_one_process(string optimizer, double tolerance)
    {
        TrainingOptions options = Options with { optimizer = optimizer };
        var (alone, reports) = Train(options, null, new RecordingHost());

        // 5 samples make parts of 2 and 3.
        double[][] weights = new double[2][];
        List<EpochReport>[] told = [[], []];
        ThreadRanks.Run(2, ranks =>
        {
            var host = new RecordingHost();
            (weights[ranks.Rank], told[ranks.Rank]) = Train(options, ranks, host);
        });
        Assert.Equal(weights[0], weights[1]);
        Toy.Close(alone, weights[0], tolerance);
        Assert.Equal(told[0], told[1]);
        Assert.All(reports.Zip(told[0]), pair => Assert.Equal(pair.First.TrainLoss, pair.Second.TrainLoss, 1e-5));
    }

    [Fact]
    public void Ranks_stop_after_the_same_step_and_resume()
    {
        var (whole, _) = TrainTogether(_ => new RecordingHost());
        var states = new StateBag?[2];

        // Rank 1 alone is asked to stop: both must save, after the same step.
        ThreadRanks.Run(2, ranks =>
        {
            using var stop = new CancellationTokenSource();
            var host = new CuttingHost(ranks.Rank == 1 ? stop : null, state => states[ranks.Rank] = state);
            Assert.Throws<OperationCanceledException>(() => Train(Options, ranks, host, stop.Token));
        });
        Assert.Equal(states[0]!.Value<long>("step"), states[1]!.Value<long>("step"));
        Assert.Equal(["rng.torch.0", "rng.torch.1"], states[0]!.Tensors.Keys.Where(k => k.StartsWith("rng", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        var (resumed, _) = TrainTogether(rank => new CuttingHost(null, _ => { }, states[rank]));
        Assert.Equal(whole, resumed);
    }

    [Fact]
    public void A_batch_with_fewer_samples_than_ranks_is_refused() =>
        ThreadRanks.Run(3, ranks => Refusal.Of<ArgumentException>(() => Batches(ranks, size: 6), "has 2 for 3 ranks", "another batch size"));

    private static (double[] Weights, List<EpochReport> Reports) TrainTogether(Func<int, ITrainingHost> host)
    {
        (double[], List<EpochReport>) first = default;
        ThreadRanks.Run(2, ranks =>
        {
            var done = Train(Options, ranks, host(ranks.Rank));
            if (ranks.Rank == 0)
            {
                first = done;
            }
        });
        return first;
    }

    private static (double[] Weights, List<EpochReport> Reports) Train(TrainingOptions options, ICommunicator? ranks, ITrainingHost host, CancellationToken token = default)
    {
        nn.Module<Tensor, Tensor> model;
        lock (Options)
        {
            model = Toy.Model();
        }

        Trainer.Run(Toy.Task(model, Batches(ranks)), options, host, ranks, token);
        return (Toy.Weights(model), host is RecordingHost recording ? [.. recording.Epochs] : []);
    }

    private static ShuffledBatches<int[]> Batches(ICommunicator? ranks, int size = 5) => new(Toy.Samples, size, 5, (_, samples) => samples.ToArray(), ranks: ranks);

    /// <summary>Cancels after the second report, keeps a copy of the checkpoint, and may start from one.</summary>
    private sealed class CuttingHost(CancellationTokenSource? stop, Action<StateBag> keep, StateBag? resumed = null) : ITrainingHost
    {
        public bool CheckpointDue => false;

        public StateBag? TakeResumed() => resumed;

        public void Report(EpochReport epoch)
        {
            if (epoch.Epoch == 2)
            {
                stop?.Cancel();
            }
        }

        public void Attach(string path, byte[] content)
        {
        }

        public void Checkpoint(StateBag state)
        {
            var copy = new StateBag { Values = state.Values, OwnsTensors = true };
            using DisposeScope scope = NewDisposeScope();
            foreach (var (name, tensor) in state.Tensors)
            {
                copy.Tensors[name] = tensor.detach().clone().DetachFromDisposeScope();
            }

            keep(copy);
        }
    }
}
