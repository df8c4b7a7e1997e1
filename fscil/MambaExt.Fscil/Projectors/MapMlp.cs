using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Projectors;

/// <summary>
/// An MLP on every position of a map, [B, h, w, C] to [B, h, w, d]: linear (with bias), layer norm over the whole map and all channels jointly,
/// LeakyReLU 0.1, once or twice, then a linear map without bias.
/// </summary>
internal sealed class MapMlp : nn.Module<Tensor, Tensor>
{
    private const double Slope = 0.1;
    private readonly Linear linear1;
    private readonly LayerNorm norm1;
    private readonly Linear? linear2;
    private readonly LayerNorm? norm2;
    private readonly Linear output;

    public MapMlp(MapSize map, int hidden, int width, int depth)
        : base(nameof(MapMlp))
    {
        linear1 = nn.Linear(map.Channels, hidden);
        norm1 = nn.LayerNorm([map.Height, map.Width, hidden]);
        linear2 = depth == 3 ? nn.Linear(hidden, hidden) : null;
        norm2 = depth == 3 ? nn.LayerNorm([map.Height, map.Width, hidden]) : null;
        output = nn.Linear(hidden, width, hasBias: false);
        RegisterComponents();
    }

    public override Tensor forward(Tensor map)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = nn.functional.leaky_relu(norm1.forward(linear1.forward(map)), Slope);
        if (linear2 is not null)
        {
            x = nn.functional.leaky_relu(norm2!.forward(linear2.forward(x)), Slope);
        }

        return output.forward(x).MoveToOuterDisposeScope();
    }
}
