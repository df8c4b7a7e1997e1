using MambaExt.Vision;

namespace MambaExt.Fscil.Projectors;

/// <summary>Sizes of what turns a map [B, h, w, C] into the vector [B, d] that a simplex scores.</summary>
public sealed record ProjectorOptions
{
    /// <summary>d, what the projector gives; at least the classes of the simplex.</summary>
    public int width { get; init; } = 512;

    /// <summary>Width in the middle of each MLP; 0 for twice the channels of the map.</summary>
    public int hidden { get; init; }

    /// <summary>Linear maps of the MLP of the base branch, 2 or 3.</summary>
    public int depth { get; init; } = 2;

    /// <summary>The same of the incremental branch.</summary>
    public int incremental_depth { get; init; } = 2;

    /// <summary>ssm: a 1-D Mamba run in four directions with shared weights; ss2d: VMamba's scan with weights of their own.</summary>
    public string branch { get; init; } = "ssm";

    /// <summary>N of the scans.</summary>
    public int d_state { get; init; } = 256;

    /// <summary>R of the scans; 0 for ceil(width / 16).</summary>
    public int dt_rank { get; init; } = 256;

    /// <summary>A learned linear map from the mean of the map to the width; else the mean itself, for which both must agree.</summary>
    public bool identity { get; init; } = true;

    /// <summary>A clause for each value that is out of range.</summary>
    internal IEnumerable<string> Problems()
    {
        if (width < 1 || hidden < 0)
        {
            yield return $"projector width and hidden are {width} and {hidden}; give a width of 1 or more and a hidden of 0 (twice the channels) or more.";
        }

        if (depth is not (2 or 3) || incremental_depth is not (2 or 3))
        {
            yield return $"depth and incremental_depth are {depth} and {incremental_depth}; give 2 or 3.";
        }

        if (branch is not ("ssm" or "ss2d"))
        {
            yield return $"branch is '{branch}'; give ssm or ss2d.";
        }

        if (d_state is < 1 or > 256 || dt_rank < 0)
        {
            yield return $"d_state and dt_rank are {d_state} and {dt_rank}; give a state of 1 to 256 and a rank of 0 (by the width) or more.";
        }
    }

    /// <summary>Width in the middle for maps of <paramref name="channels"/>.</summary>
    internal int Hidden(int channels) => hidden > 0 ? hidden : checked(2 * channels);

    /// <summary>Sizes of the scan over a map of that size.</summary>
    internal Scan2dOptions Scan(MapSize map) => new(width, map.Height, map.Width) { d_state = d_state, dt_rank = dt_rank };
}
