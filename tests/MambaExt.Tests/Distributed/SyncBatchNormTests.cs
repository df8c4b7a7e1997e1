using MambaExt.Distributed;
using MambaExt.Native;
using MambaExt.Tests.Shared;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Tests.Distributed;

public sealed class SyncBatchNormTests : TensorTests
{
    private static readonly int[] Shares = [4, 1, 0, 3];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Over_one_process_it_is_torchs_batch_norm(bool image)
    {
        using BatchNorm torchs = image ? nn.BatchNorm2d(3) : nn.BatchNorm1d(3);
        using var ours = new SyncBatchNorm(3, new SingleProcess());
        Assert.Equal(torchs.state_dict().Keys, ours.state_dict().Keys);
        Tensor x = (image ? randn(6, 3, 4, 5) : randn(6, 3)).requires_grad_(), twin = Leaf(x), dy = randn_like(x);
        for (int step = 0; step < 3; step++)
        {
            Tensor expected = torchs.forward(x), actual = ours.forward(twin);
            TensorAssert.Close(expected, actual, 1e-6);
            (expected * dy).sum().backward();
            (actual * dy).sum().backward();
        }

        TensorAssert.Close(x.grad!, twin.grad, 1e-6);
        AssertSameState(torchs, ours, 1e-6);
        torchs.eval();
        ours.eval();
        TensorAssert.Close(torchs.forward(x), ours.forward(twin), 1e-6);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Parts_over_ranks_are_normalized_as_the_whole_is_by_torch(bool image, bool affine)
    {
        long[] size = image ? [Shares.Sum(), 3, 2, 5] : [Shares.Sum(), 3];
        Tensor whole = (Draw(size) * 2 + 1).requires_grad_(), dy = Draw(size), weight = Draw(3), bias = Draw(3);
        using BatchNorm torchs = image ? nn.BatchNorm2d(3, affine: affine, dtype: ScalarType.Float64) : nn.BatchNorm1d(3, affine: affine, dtype: ScalarType.Float64);
        Start(torchs);
        Tensor expected = torchs.forward(whole);
        (expected * dy).sum().backward();
        ThreadRanks.Run(Shares.Length, ranks =>
        {
            using var ours = new SyncBatchNorm(3, ranks, affine: affine, dtype: ScalarType.Float64);
            Start(ours);
            Tensor x = Leaf(Part(whole, ranks)), y = ours.forward(x);
            TensorAssert.Close(Part(expected, ranks), y, 1e-12, "y");
            (y * Part(dy, ranks)).sum().backward();
            TensorAssert.Close(Part(whole.grad!, ranks), x.grad, 1e-12, "dx");
            if (affine)
            {
                foreach ((string name, Parameter parameter) in ours.named_parameters())
                {
                    Tensor sum = parameter.grad!.clone();
                    ranks.AllReduceSum(sum);
                    TensorAssert.Close(torchs.get_parameter(name)!.grad!, sum, 1e-12, $"gradient of {name}");
                }
            }

            AssertSameState(torchs, ours, 1e-12);
            ours.eval();
            torchs.eval();
            TensorAssert.Close(torchs.forward(Part(whole, ranks)), ours.forward(x), 1e-12, "in evaluation");
        });

        void Start(BatchNorm norm)
        {
            using IDisposable _ = no_grad();
            norm.weight?.copy_(weight);
            norm.bias?.copy_(bias);
        }
    }

    [Fact]
    public void Values_far_from_zero_keep_their_variance()
    {
        Tensor near = Draw(8, 2);
        using var torchs = nn.BatchNorm1d(2, dtype: ScalarType.Float64);
        Tensor expected = torchs.forward(near);
        ThreadRanks.Run(Shares.Length, ranks =>
        {
            using var ours = new SyncBatchNorm(2, ranks, dtype: ScalarType.Float64);
            TensorAssert.Close(Part(expected, ranks), ours.forward(Part(near + 1e7, ranks)), 1e-7);
        });
    }

    [Fact]
    public void Narrow_numbers_are_normalized_in_float32() => ThreadRanks.Run(2, ranks =>
    {
        using var wide = new SyncBatchNorm(2, ranks);
        using var narrow = new SyncBatchNorm(2, ranks, dtype: ScalarType.BFloat16);
        Tensor values = tensor(new[] { 1f, 2, 3, -1, 0.5f, 4 }).view(3, 2) + ranks.Rank, x = values.to_type(ScalarType.BFloat16).requires_grad_(), twin = Leaf(values);
        Tensor y = narrow.forward(x);
        Assert.Equal(ScalarType.BFloat16, y.dtype);
        Tensor expected = wide.forward(twin);
        TensorAssert.Close(expected, y, 1e-2);
        y.to_type(ScalarType.Float32).square().sum().backward();
        expected.square().sum().backward();
        TensorAssert.Close(wide.weight.grad!, narrow.weight.grad, 1e-2);
    });

    [Fact]
    public void One_value_a_channel_over_all_ranks_is_refused_on_all_of_them() => ThreadRanks.Run(3, ranks =>
    {
        using var norm = new SyncBatchNorm(2, ranks);
        Refusal.Of<ArgumentException>(() => norm.forward(zeros(ranks.Rank == 1 ? 1 : 0, 2)), "1 value(s) a channel", "eval()");
    });

    [Fact]
    public void Another_shape_is_refused()
    {
        using var norm = new SyncBatchNorm(3, new SingleProcess());
        Refusal.Of<ArgumentException>(() => norm.forward(zeros(4, 2)), "Float32 [4, 2]", "[N, 3, ...]");
        Refusal.Of<ArgumentException>(() => norm.forward(zeros(3)), "Float32 [3]");
    }

    [Fact]
    public void A_second_derivative_is_refused_and_does_not_end_the_process()
    {
        ThreadRanks.Run(2, ranks =>
        {
            using var norm = new SyncBatchNorm(2, ranks);
            Tensor x = (tensor(new[] { 1f, 2, 3, 5 }).view(2, 2) * (1 + ranks.Rank)).requires_grad_();
            Assert.True(autograd.grad([norm.forward(x).square().sum()], [x], null, true, true)[0].isnan().all().item<bool>());
        });
        Refusal.Of<NotSupportedException>(BackwardGuard.ThrowPending, "second derivative", "create_graph");
    }

    [Fact]
    public void Steps_leave_no_tensors_behind() => ThreadRanks.Run(2, ranks =>
    {
        using var norm = new SyncBatchNorm(2, ranks);
        Steps(2);
        long before = Live();
        Steps(20);
        Assert.InRange(Live(), 0, before);

        void Steps(int count)
        {
            for (int step = 0; step < count; step++)
            {
                using DisposeScope scope = NewDisposeScope();
                norm.zero_grad();
                norm.forward(ones(3, 2).cumsum(0).requires_grad_()).square().sum().backward();
            }
        }

        // The other rank waits while one counts, and each lets go of its own last gradients.
        long Live()
        {
            GradientKeeper.Release();
            ranks.Barrier();
            long live = ranks.Rank == 0 ? LeakCheck.LiveTensors() : 0;
            ranks.Barrier();
            return live;
        }
    });

    private static Tensor Part(Tensor whole, ICommunicator ranks) => whole.narrow(0, Shares.Take(ranks.Rank).Sum(), Shares[ranks.Rank]);

    private static void AssertSameState(nn.Module expected, nn.Module actual, double tolerance)
    {
        Dictionary<string, Tensor> state = actual.state_dict();
        foreach ((string name, Tensor tensor) in expected.state_dict())
        {
            TensorAssert.Close(tensor, state[name], tolerance, name);
        }
    }
}
