using MambaExt.Distill.Losses;
using MambaExt.Distill.Stages;
using MambaExt.Distill.Tests.Support;
using MambaExt.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Tests.Stages;

/// <summary>A teacher that would change if it were run as in training: statistics of a batch norm, and dropout.</summary>
public sealed class TeacherTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(0)]
    public void A_stage_leaves_statistics_alone_and_drops_nothing(int draws)
    {
        var images = new Pictures(80, draws);
        HeldOut heldOut = new Pictures(20, seed: 2).Plain();
        manual_seed(3);
        nn.Module<Tensor, Tensor> network = nn.Sequential(
            ("conv", nn.Conv2d(1, 6, 4, stride: 4L)), ("bn", nn.BatchNorm2d(6)), ("relu", nn.ReLU()), ("drop", nn.Dropout(0.5)), ("flat", nn.Flatten()), ("head", nn.Linear(6 * 4, Pictures.Kinds)));
        using var teacher = new ModuleTeacher(network, Pictures.Kinds, owns: true);
        string before = Digest(network);
        using DisposeScope scope = NewDisposeScope();
        Tensor some = images.Read(Enumerable.Range(0, 80).ToArray(), 1), expected;
        using (no_grad())
        {
            expected = network.call(some);
        }

        // Somebody goes on training it, or says so.
        network.train();
        var options = new DistillOptions
        {
            losses = LossTerm.Parse("ce:1,kd:1,at:1:student=layers.0:teacher=relu"), batch_size = 40, training = new TrainingOptions { epochs = 2, patience = 0, learning_rate = 0.01 },
        };
        using var students = new Progression(images, heldOut, teacher, options, 1);
        students.Add(students.Train(Pictures.Like.WithSize("4x4x2x1"), 1, false));
        Assert.Equal(before, Digest(network));
        TensorAssert.Close(expected, teacher.Of(some), 1e-6);
        if (draws > 0)
        {
            TensorAssert.Close(expected, teacher.Whole(images, 1), 1e-5);
        }
    }

    private static string Digest(nn.Module model) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
        [.. model.parameters().Select(p => (Tensor)p).Concat(model.buffers()).SelectMany(t => t.detach().contiguous().bytes.ToArray())]));
}
