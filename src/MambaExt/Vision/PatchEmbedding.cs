using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Vision;

/// <summary>
/// Images as sequences (Dosovitskiy et al., arXiv 2010.11929, equation 1): each patch of p x p pixels becomes a token,
/// <c>proj(patch) + position</c>, a linear map of its C p p values plus a learned vector of its place. Tokens go row by row.
/// </summary>
public sealed class PatchEmbedding : nn.Module<Tensor, Tensor>
{
    private readonly Linear proj;
    private readonly Parameter position;
    private readonly int _channels, _height, _width, _patch;

    /// <summary>Makes and initializes the parameters from torch's generator.</summary>
    /// <param name="channels">C</param>
    /// <param name="height">H, a multiple of the patch</param>
    /// <param name="width">W, a multiple of the patch</param>
    /// <param name="patch">p, pixels along each side of a patch</param>
    /// <param name="d_model">D, width of a token</param>
    /// <exception cref="ArgumentException">A size is out of range, or the patch does not divide the image.</exception>
    public PatchEmbedding(int channels, int height, int width, int patch, int d_model)
        : base(nameof(PatchEmbedding))
    {
        if (channels < 1 || height < 1 || width < 1 || patch < 1 || d_model < 1)
        {
            throw new ArgumentException($"PatchEmbedding was given {channels} channels of {height} x {width}, patch {patch} and d_model {d_model}; all must be 1 or more.");
        }

        if (height % patch != 0 || width % patch != 0)
        {
            throw new ArgumentException($"A patch of {patch} does not divide images of {height} x {width}; give a divisor of both.");
        }

        (_channels, _height, _width, _patch) = (channels, height, width, patch);
        proj = nn.Linear((long)channels * patch * patch, d_model);
        using (no_grad())
        {
            position = nn.Parameter((randn(Tokens, d_model) * 0.02).DetachFromDisposeScope());
        }

        RegisterComponents();
    }

    /// <summary>L = (H / p) (W / p).</summary>
    public int Tokens => Rows * Columns;

    /// <summary>H / p.</summary>
    public int Rows => _height / _patch;

    /// <summary>W / p.</summary>
    public int Columns => _width / _patch;

    /// <summary>[B, C, H, W] to [B, L, D].</summary>
    public override Tensor forward(Tensor images)
    {
        long[] shape = images.shape;
        if (shape.Length != 4 || shape[1] != _channels || shape[2] != _height || shape[3] != _width)
        {
            throw new ArgumentException($"images has shape [{string.Join(", ", shape)}], expected [B, {_channels}, {_height}, {_width}]; make the embedding with the images' size.");
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor patches = images.view(shape[0], _channels, Rows, _patch, Columns, _patch).permute(0, 2, 4, 1, 3, 5)
            .reshape(shape[0], Tokens, (long)_channels * _patch * _patch);                                        // [B, L, C p p]
        return (proj.forward(patches) + position).MoveToOuterDisposeScope();                                      // [B, L, D]
    }
}
