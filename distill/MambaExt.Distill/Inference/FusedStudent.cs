using MambaExt.Distill.Students;
using MambaExt.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Inference;

/// <summary>A student on the CPU without tensor calls: its weights, copied, in one <see cref="MambaStack"/>. The numbers are those of the module up to rounding.</summary>
public sealed unsafe class FusedStudent : IDisposable
{
    private readonly MambaStack _stack;
    private readonly PatchMambaOptions _options;

    /// <summary>Copies the weights; later changes of the module are not seen.</summary>
    /// <exception cref="ArgumentException">The model is of a kind that <see cref="Takes(PatchMambaOptions)"/> refuses.</exception>
    public FusedStudent(PatchMamba model)
    {
        PatchMambaOptions o = model.Options;
        if (!Takes(o))
        {
            throw new ArgumentException($"A model with a stem, or with scan '{ScanKind.Cross}', runs as a module only; call it instead.");
        }

        _options = o;
        Dictionary<string, Tensor> weights = model.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        _stack = new MambaStack(new MambaStackShape(
            o.Tokens, o.channels * o.patch * o.patch, o.d_model, o.Block.d_inner, o.d_state, o.Block.Rank, o.d_conv, o.blocks, ScanKind.Directions(o.scan), o.classes, o.reuse, 1e-5f));
        _stack.LoadEmbedding(Values("patch_embed.proj.weight"), Values("patch_embed.proj.bias"), Values("patch_embed.position"));
        for (int layer = 0; layer < o.blocks; layer++)
        {
            _stack.LoadNorm(layer, Values($"layers.{layer}.norm.weight"));
            for (int direction = 0; direction < ScanKind.Directions(o.scan); direction++)
            {
                string prefix = $"layers.{layer}.mixer.directions.{direction}.";
                _stack.LoadBlock(layer, direction, name => Values(prefix + name));
            }
        }

        _stack.LoadNorm(o.blocks, Values("norm.weight"));
        float[] weight = Values("head.weight"), bias = Values("head.bias");
        if (o.distillation_head)
        {
            // The mean of two linear heads is one.
            weight = Mean(weight, Values("dist_head.weight"));
            bias = Mean(bias, Values("dist_head.bias"));
        }

        _stack.LoadHead(weight, bias);

        float[] Values(string name) => weights[name].detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();

        static float[] Mean(float[] a, float[] b) => [.. a.Zip(b, (x, y) => (x + y) / 2)];
    }

    /// <summary>Whether a model can run here: no stem, patches read forward or from both ends.</summary>
    public static bool Takes(PatchMambaOptions options) => options.stem_channels == 0 && options.scan != ScanKind.Cross;

    /// <summary>Whether a model can run here on these images: float32 on the CPU.</summary>
    public static bool Takes(PatchMambaOptions options, Tensor images) => Takes(options) && images.device_type == DeviceType.CPU && images.dtype == ScalarType.Float32;

    /// <summary>Feature [B, D] and logits [B, K]; belong to the caller's dispose scope.</summary>
    /// <param name="images">Normalized float32 [B, C, H, W]</param>
    /// <param name="before">Feature of the preceding student [B, reuse]; null where none is read</param>
    public (Tensor Feature, Tensor Logits) Run(Tensor images, Tensor? before = null)
    {
        long[] shape = images.shape;
        if (shape.Length != 4 || shape[1] != _options.channels || shape[2] != _options.height || shape[3] != _options.width || !images.is_contiguous())
        {
            throw new ArgumentException($"images has shape [{string.Join(", ", shape)}], expected contiguous [B, {_options.channels}, {_options.height}, {_options.width}]; bring them to the size of the training images.");
        }

        if ((before?.shape[1] ?? 0) != _options.reuse)
        {
            throw new ArgumentException($"The head reads {_options.reuse} values of the preceding student's feature and was given {before?.shape[1] ?? 0}; give the feature of the student it was made for.");
        }

        int batch = checked((int)shape[0]);
        Tensor feature = empty(batch, _options.d_model), logits = empty(batch, _options.classes);
        float* extra = before is null ? null : (float*)Pointer(before);
        Run((float*)Pointer(images), extra, batch, (float*)Pointer(feature), (float*)Pointer(logits));
        GC.KeepAlive(images);
        GC.KeepAlive(before);
        return (feature, logits);
    }

    /// <summary>The same without tensors.</summary>
    /// <param name="images">Normalized [B, C, H, W]</param>
    /// <param name="before">[B, reuse]</param>
    /// <param name="feature">[B, D], overwritten</param>
    /// <param name="logits">[B, K], overwritten</param>
    public void Run(ReadOnlySpan<float> images, ReadOnlySpan<float> before, Span<float> feature, Span<float> logits)
    {
        int batch = feature.Length / _options.d_model;
        if (images.Length != (long)batch * _options.channels * _options.height * _options.width || logits.Length != (long)batch * _options.classes || before.Length != (long)batch * _options.reuse
            || feature.Length != (long)batch * _options.d_model)
        {
            throw new ArgumentException($"Spans of {images.Length}, {before.Length}, {feature.Length} and {logits.Length} values do not hold one batch of images, reused features, features and logits; give B rows of each.");
        }

        fixed (float* x = images, e = before, h = feature, z = logits)
        {
            Run(x, e, batch, h, z);
        }
    }

    /// <summary>Threads and vector width instead of the process's own.</summary>
    internal KernelOptions? Kernel { get; init; }

    /// <inheritdoc/>
    public void Dispose() => _stack.Dispose();

    private void Run(float* images, float* before, int batch, float* feature, float* logits)
    {
        PatchMambaOptions o = _options;
        if ((long)batch * o.channels * o.height * o.width > Array.MaxLength)
        {
            throw new ArgumentException($"A batch of {batch} images of {o.channels} x {o.height} x {o.width} passes {Array.MaxLength} values; give the images in smaller batches.");
        }

        int p = o.patch, values = o.channels * p * p, rows = o.height / p, columns = o.width / p;
        float[] tokens = System.Buffers.ArrayPool<float>.Shared.Rent(Math.Max(1, checked(batch * o.Tokens * values)));
        fixed (float* to = tokens)
        {
            float* at = to;
            for (int b = 0; b < batch; b++)
            {
                float* image = images + ((long)b * o.channels * o.height * o.width);
                for (int r = 0; r < rows; r++)
                {
                    for (int c = 0; c < columns; c++)
                    {
                        for (int channel = 0; channel < o.channels; channel++)
                        {
                            float* corner = image + (((long)((channel * o.height) + (r * p))) * o.width) + (c * p);
                            for (int y = 0; y < p; y++, at += p)
                            {
                                new ReadOnlySpan<float>(corner + ((long)y * o.width), p).CopyTo(new Span<float>(at, p));
                            }
                        }
                    }
                }
            }

            _stack.Run(to, before, batch, feature, logits, Kernel ?? Compute.Options);
        }

        System.Buffers.ArrayPool<float>.Shared.Return(tokens);
    }

    private static nint Pointer(Tensor tensor) => Native.TensorPointer.Of(tensor);
}
