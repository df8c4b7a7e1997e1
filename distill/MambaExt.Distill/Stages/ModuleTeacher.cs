using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Stages;

/// <summary>Any module from images [B, C, H, W] to logits [B, K] as teacher. Where draws are numbered each is asked for once and kept.</summary>
public sealed class ModuleTeacher : ITeacher
{
    private readonly bool _owns;
    private LogitCache? _cache;

    /// <summary>Puts the module in evaluation mode; it stays there.</summary>
    /// <param name="module">Trained</param>
    /// <param name="classes">K</param>
    /// <param name="flops">Operations an image, if they are known</param>
    /// <param name="owns">Dispose the module with the teacher</param>
    public ModuleTeacher(nn.Module<Tensor, Tensor> module, int classes, long? flops = null, bool owns = false)
    {
        (Module, Classes, Flops, _owns) = (module, classes, flops, owns);
        Parameters = module.parameters().Sum(p => p.numel());
        module.eval();
    }

    /// <inheritdoc/>
    public nn.Module<Tensor, Tensor> Module { get; }

    /// <inheritdoc/>
    public int Classes { get; }

    /// <inheritdoc/>
    public long? Flops { get; }

    /// <inheritdoc/>
    public long Parameters { get; }

    /// <inheritdoc/>
    public Tensor Logits(DrawnImages images, ReadOnlyMemory<int> samples, int draw, Tensor batch)
    {
        if (images.Draws == 0)
        {
            return Of(batch);
        }

        return Cache(images).Rows(images, samples, draw, Of);
    }

    /// <inheritdoc/>
    public Tensor Whole(DrawnImages images, int draw) => Cache(images).Whole(images, draw, Of);

    /// <summary>Logits [B, K] of any images.</summary>
    /// <exception cref="ArgumentException">The module has another class count than it was said to have.</exception>
    public Tensor Of(Tensor batch)
    {
        using IDisposable _ = no_grad();
        Settle();
        Tensor logits = Module.call(batch);
        return logits.dim() == 2 && logits.shape[1] == Classes
            ? logits
            : throw new ArgumentException($"The teacher answers with [{string.Join(", ", logits.shape)}], expected [B, {Classes}]; take a teacher of the students' {Classes} classes.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache?.Dispose();
        if (_owns)
        {
            Module.Dispose();
        }
    }

    /// <summary>Back to evaluation mode, where somebody has trained the module since: its statistics must not move, and nothing may be dropped.</summary>
    private void Settle()
    {
        if (Module.training)
        {
            Module.eval();
        }
    }

    private LogitCache Cache(DrawnImages images)
    {
        if (_cache is null || _cache.Fingerprint != images.Fingerprint)
        {
            _cache?.Dispose();
            _cache = new LogitCache(images);
        }

        return _cache;
    }
}
