using MambaExt.Tests.Shared;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Training;

public sealed class BestEpochTests : TensorTests
{
    [Fact]
    public void Restore_brings_back_parameters_and_buffers_of_the_best_epoch()
    {
        using var model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2));
        using var best = new BestEpoch(model);
        Assert.True(Epoch(1, 0.5, 1));
        Assert.True(Epoch(2, 0.7, 1));
        Assert.False(Epoch(3, 0.6, 0.1));
        Assert.Equal((2, 0.7, 1.0), (best.Epoch, best.Score, best.Loss));
        best.Restore();
        Assert.All(Everything(), t => Assert.True(t.eq(2).all().item<bool>()));
        Assert.All(model.parameters(), p => Assert.True(p.requires_grad));

        bool Epoch(int epoch, double score, double loss)
        {
            using (no_grad())
            {
                Everything().ForEach(t => t.fill_(epoch));
            }

            return best.Offer(epoch, score, loss);
        }

        List<Tensor> Everything() => [.. model.parameters(), .. model.buffers()];
    }

    [Fact]
    public void Among_equal_scores_the_lower_loss_wins_and_the_earlier_of_equals()
    {
        using var model = nn.Linear(1, 1);
        using var best = new BestEpoch(model);
        Assert.True(best.Offer(1, 0.5, 1));
        Assert.False(best.Offer(2, 0.5, 1));
        Assert.True(best.Offer(3, 0.5, 0.9));
        Assert.False(best.Offer(4, 0.4, 0.1));
        Assert.Equal(3, best.Epoch);
    }

    [Fact]
    public void A_score_that_is_no_number_is_never_the_best()
    {
        using var model = nn.Linear(1, 1);
        using var best = new BestEpoch(model);
        Assert.False(best.Offer(1, double.NaN, 0));
        Assert.Equal(0, best.Epoch);
        best.Restore();
        Assert.True(best.Offer(2, 0.1, double.NaN));
        Assert.True(best.Offer(3, 0.1, 5));
        Assert.False(best.Offer(4, double.NaN, 0));
        Assert.Equal(3, best.Epoch);
    }

    [Fact]
    public void Offers_leave_no_tensor_behind()
    {
        using var model = nn.Linear(3, 2);
        LeakCheck.LeavesNothing(() => WithoutScope(() =>
        {
            using var best = new BestEpoch(model);
            for (int epoch = 1; epoch < 5; epoch++)
            {
                best.Offer(epoch, epoch, 0);
            }

            best.Restore();
        }));
    }
}
