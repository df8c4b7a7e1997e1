using MambaExt.Normalization;
using MambaExt.Tests.Shared;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Tests.Normalization;

public sealed class FusedBatchNormTests : TensorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Results_gradients_and_statistics_are_those_of_torch(bool relu)
    {
        BatchNorm1d torchs = nn.BatchNorm1d(7);
        var ours = new FusedBatchNorm(7, relu);
        using (no_grad())
        {
            torchs.weight.copy_(randn(7));
            torchs.bias!.copy_(randn(7));
        }

        ours.load_state_dict(torchs.state_dict());
        for (int step = 0; step < 3; step++)
        {
            Tensor x = (randn(400, 7) * 3 + 2).requires_grad_(), twin = Leaf(x);
            Tensor y = ours.forward(x), wanted = relu ? torchs.forward(twin).relu() : torchs.forward(twin);
            TensorAssert.Close(wanted, y, 1e-5);
            Tensor g = randn_like(y);
            torchs.zero_grad();
            ours.zero_grad();
            (y * g).sum().backward();
            (wanted * g).sum().backward();
            TensorAssert.Close(twin.grad!, x.grad, 1e-5, "gradient of x");
            TensorAssert.Close(torchs.weight.grad!, ours.weight.grad, 1e-4, "gradient of the gain");
            TensorAssert.Close(torchs.bias!.grad!, ours.bias!.grad, 1e-4, "gradient of the shift");
        }

        TensorAssert.Close(torchs.running_mean!, ours.running_mean, 1e-6, "running mean");
        TensorAssert.Close(torchs.running_var!, ours.running_var, 1e-6, "running variance");
        torchs.eval();
        ours.eval();
        Tensor other = randn(9, 7).requires_grad_(), copy = Leaf(other);
        Tensor evaluated = ours.forward(other), expected = relu ? torchs.forward(copy).relu() : torchs.forward(copy);
        TensorAssert.Close(expected, evaluated, 1e-6, "evaluation");
        evaluated.square().sum().backward();
        expected.square().sum().backward();
        TensorAssert.Close(copy.grad!, other.grad, 1e-5, "gradient in evaluation");
    }

    [Fact]
    public void Dropout_repeats_with_torchs_generator_and_its_gradient_is_its_mask()
    {
        Tensor x = randn(50, 30).requires_grad_();
        manual_seed(5);
        Tensor y = FusedDropout.Apply(x, 0.4, training: true, relu: true);
        manual_seed(5);
        TensorAssert.Same(y.detach(), FusedDropout.Apply(x.detach(), 0.4, training: true, relu: true));
        Assert.NotEqual(y.detach(), FusedDropout.Apply(x.detach(), 0.4, training: true, relu: true));
        y.sum().backward();
        Tensor kept = (y != 0).to_type(ScalarType.Float32);
        TensorAssert.Close(kept / 0.6, x.grad, 1e-6);
        TensorAssert.Close(x.relu() * kept / 0.6, y, 1e-6);
        TensorAssert.Same(x.detach(), FusedDropout.Apply(x.detach(), 0.4, training: false));
    }

    [Fact]
    public void Any_shape_is_dropped_from()
    {
        foreach (long[] shape in new long[][] { [], [3], [2, 3, 4], [0, 5] })
        {
            Assert.Equal(shape, FusedDropout.Apply(ones(shape), 0.5, training: true).shape);
        }
    }

    [Fact]
    public void Batch_norm_in_several_processes_is_refused_by_name()
    {
        // DataParallel looks for torch's batch norm.
        Assert.IsAssignableFrom<BatchNorm>(new FusedBatchNorm(3));
    }

    [Fact]
    public void Wrong_input_is_refused()
    {
        Refusal.Of<ArgumentException>(() => FusedDropout.Apply(ones(2), 1, true), "1", "0 up to");
        Refusal.Of<ArgumentException>(() => FusedDropout.Apply(ones(2).to_type(ScalarType.Int64), 0.5, true), "Int64", "float32");
        Refusal.Of<ArgumentException>(() => new FusedBatchNorm(3).forward(ones(4, 2)), "[4, 2]", "[R, 3]");
        Refusal.Of<ArgumentException>(() => new FusedBatchNorm(3).forward(ones(1, 3)), "1 rows", "at least 2");
    }
}
