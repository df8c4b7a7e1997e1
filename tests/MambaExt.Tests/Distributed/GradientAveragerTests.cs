using MambaExt.Distributed;
using MambaExt.Tests.Shared;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Tests.Distributed;

public sealed class GradientAveragerTests : TensorTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(1 << 20)]
    public void Gradients_are_averaged_by_weight_in_buckets_of_any_size(long bucketBytes) => ThreadRanks.Run(3, ranks =>
    {
        using Sequential model = Model();
        Give(model, p => full_like(p, ranks.Rank + 1));
        using var averager = new GradientAverager(model, ranks, bucketBytes);
        averager.Average(weight: 2 * ranks.Rank);

        // (0 * 1 + 2 * 2 + 4 * 3) / 6
        AssertAll(model, 16.0 / 6);
    });

    [Fact]
    public void Sums_are_divided_by_the_weights() => ThreadRanks.Run(2, ranks =>
    {
        using Sequential model = Model();
        Give(model, p => full_like(p, ranks.Rank + 1));
        using var averager = new GradientAverager(model, ranks);
        averager.AverageSums(weight: ranks.Rank == 0 ? 3 : 1);
        AssertAll(model, 3.0 / 4);
    });

    [Fact]
    public void A_missing_gradient_counts_as_zero_and_one_that_no_rank_has_stays_away() => ThreadRanks.Run(2, ranks =>
    {
        using Sequential model = Model();
        Parameter first = model.parameters().First(), second = model.parameters().ElementAt(1);
        if (ranks.Rank == 1)
        {
            first.grad = full_like(first, 3);
        }

        using var averager = new GradientAverager(model, ranks);
        averager.Average();
        TensorAssert.Close(full_like(first, 1.5), first.grad, 1e-7);
        Assert.Null(second.grad);
    });

    [Fact]
    public void Gradients_of_a_rank_without_samples_are_not_read() => ThreadRanks.Run(2, ranks =>
    {
        using Sequential model = Model();
        Give(model, p => full_like(p, ranks.Rank == 0 ? double.NaN : 5));
        using var averager = new GradientAverager(model, ranks);
        averager.Average(weight: ranks.Rank);
        AssertAll(model, 5);
    });

    [Fact]
    public void One_process_keeps_its_gradients()
    {
        using Sequential model = Model();
        Give(model, p => rand_like(p));
        Tensor[] before = [.. model.parameters().Select(p => p.grad!.clone())];
        using var averager = new GradientAverager(model, new SingleProcess());
        averager.Average(7);
        Assert.All(model.parameters().Zip(before), pair => TensorAssert.Same(pair.Second, pair.First.grad));
        averager.AverageSums(4);
        Assert.All(model.parameters().Zip(before), pair => TensorAssert.Close(pair.Second / 4, pair.First.grad, 1e-7));
    }

    [Fact]
    public void Wrong_weights_are_refused() => ThreadRanks.Run(2, ranks =>
    {
        using Sequential model = nn.Sequential(("norm", new SyncBatchNorm(2, ranks)));
        using var averager = new GradientAverager(model, ranks);
        Refusal.Of<InvalidOperationException>(() => averager.Average(0), "weights", "0");
        Refusal.Of<InvalidOperationException>(() => averager.Average(2 + ranks.Rank), "SyncBatchNorm", "AverageSums");
        Assert.Throws<ArgumentOutOfRangeException>(() => averager.Average(double.NaN));
        averager.Average(0.3);
        averager.AverageSums(2 + ranks.Rank);
    });

    [Fact]
    public void Frozen_parameters_take_no_part_and_a_module_of_them_alone_is_refused()
    {
        using Sequential model = Model();
        model.parameters().First().requires_grad_(false);
        Give(model, p => ones_like(p));
        using var averager = new GradientAverager(model, new SingleProcess());
        averager.AverageSums(2);
        Assert.Equal([1, 0.5, 0.5, 0.5], model.parameters().Select(p => p.grad!.flatten()[0].item<float>()).Select(v => (double)v));
        foreach (Parameter parameter in model.parameters())
        {
            parameter.requires_grad_(false);
        }

        Refusal.Of<ArgumentException>(() => new GradientAverager(model, new SingleProcess()).Dispose(), "no parameter", "module that is trained");
    }

    [Fact]
    public void Parameters_and_buffers_of_rank_0_reach_all() => ThreadRanks.Run(3, ranks =>
    {
        using Sequential model = nn.Sequential(("linear", nn.Linear(2, 3)), ("norm", nn.BatchNorm1d(3)));
        using (no_grad())
        {
            foreach (Tensor tensor in model.state_dict().Values)
            {
                tensor.fill_(7 + ranks.Rank);
            }
        }

        DataParallel.BroadcastParameters(model, ranks);
        Assert.All(model.state_dict(), entry => TensorAssert.Same(full_like(entry.Value, 7), entry.Value.detach(), entry.Key));
    });

    [Fact]
    public void Models_that_differ_are_refused_by_the_first_name_on_all_ranks() => ThreadRanks.Run(3, ranks =>
    {
        using Sequential model = nn.Sequential(("first", nn.Linear(2, 3)), ("second", nn.Linear(3, 1, hasBias: ranks.Rank < 2)));
        Refusal.Of<ArgumentException>(() => new GradientAverager(model, ranks).Dispose(), "rank 0 has 'second.bias' Float32 [1] where rank 2 has no further one");
    });

    [Fact]
    public void Modules_that_couple_a_batch_are_refused_by_name_over_several_ranks()
    {
        using Sequential model = nn.Sequential(("linear", nn.Linear(2, 3)), ("inner", nn.Sequential(("norm", nn.BatchNorm1d(3)))));
        DataParallel.RequireIndependentSamples(model, new SingleProcess());
        ThreadRanks.Run(2, ranks =>
        {
            Refusal.Of<ArgumentException>(() => DataParallel.RequireIndependentSamples(model, ranks), "'inner.norm' (BatchNorm1d)", "2 ranks", "SyncBatchNorm");
            using var synchronized = new SyncBatchNorm(3, ranks);
            DataParallel.RequireIndependentSamples(synchronized, ranks);
        });
        model.eval();
        ThreadRanks.Run(2, ranks => DataParallel.RequireIndependentSamples(model, ranks));
    }

    [Fact]
    public void Averaging_leaves_no_tensors_behind()
    {
        using Sequential model = Model();
        Give(model, p => ones_like(p));
        LeakCheck.LeavesNothing(() =>
        {
            using var averager = new GradientAverager(model, new SingleProcess());
            averager.AverageSums(2);
        });
    }

    private static Sequential Model() => nn.Sequential(("first", nn.Linear(3, 4)), ("second", nn.Linear(4, 2)));

    private static void Give(nn.Module model, Func<Tensor, Tensor> gradient)
    {
        using IDisposable _ = no_grad();
        foreach (Parameter parameter in model.parameters())
        {
            parameter.grad = gradient(parameter);
        }
    }

    private static void AssertAll(nn.Module model, double value) =>
        Assert.All(model.named_parameters(), p => TensorAssert.Close(full_like(p.parameter, value), p.parameter.grad, 1e-6, p.name));
}
