using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>Training images of one step, with what names them.</summary>
internal sealed record StageBatch(int[] Samples, int Draw, int Epoch, Tensor Images, Tensor Labels) : IDisposable
{
    /// <summary>Reads a batch; called on a thread that makes batches ahead.</summary>
    public static StageBatch Read(DrawnImages images, int epoch, ReadOnlyMemory<int> samples)
    {
        int draw = images.DrawOf(epoch);
        (Tensor pixels, Tensor labels) = images.ReadLabelled(samples, draw);
        return new StageBatch(samples.ToArray(), draw, epoch, pixels.DetachFromDisposeScope(), labels.DetachFromDisposeScope());
    }

    public void Dispose()
    {
        Images.Dispose();
        Labels.Dispose();
    }
}
