namespace MambaExt.Blocks;

/// <summary>Sizes and initialization of a <see cref="MambaBlock"/>; names and defaults as published with Mamba.</summary>
/// <param name="d_model">Width of the block's input and output.</param>
public sealed record MambaOptions(int d_model)
{
    /// <summary>N, the state size: 1 to 256.</summary>
    public int d_state { get; init; } = 16;

    /// <summary>W, the taps of the convolution: 2, 3 or 4.</summary>
    public int d_conv { get; init; } = 4;

    /// <summary>d_inner = expand * d_model.</summary>
    public int expand { get; init; } = 2;

    /// <summary>R, the rank of the delta projection; 0 for ceil(d_model / 16).</summary>
    public int dt_rank { get; init; }

    /// <summary>Smallest initial step.</summary>
    public double dt_min { get; init; } = 0.001;

    /// <summary>Largest initial step.</summary>
    public double dt_max { get; init; } = 0.1;

    /// <summary>Initial steps are held above this.</summary>
    public double dt_init_floor { get; init; } = 1e-4;

    /// <summary>Bias of in_proj and out_proj.</summary>
    public bool bias { get; init; }

    /// <summary>Bias of the convolution.</summary>
    public bool conv_bias { get; init; } = true;

    /// <summary>D, the channels of the scan.</summary>
    public int d_inner => expand * d_model;

    /// <summary>R as it is used.</summary>
    public int Rank => dt_rank > 0 ? dt_rank : (d_model + 15) / 16;

    /// <summary>Throws one sentence with everything that is out of range.</summary>
    public void Validate()
    {
        var faults = new List<string>();
        void Need(bool good, string text)
        {
            if (!good)
            {
                faults.Add(text);
            }
        }

        Need(d_model >= 1, $"d_model is {d_model}, allowed are 1 and more");
        Need(d_state is >= 1 and <= 256, $"d_state is {d_state}, allowed are 1 to 256");
        Need(d_conv is >= 2 and <= 4, $"d_conv is {d_conv}, allowed are 2, 3 and 4");
        Need(expand >= 1, $"expand is {expand}, allowed are 1 and more");
        Need((long)expand * d_model <= int.MaxValue / 2, $"expand * d_model is {(long)expand * d_model}, allowed are up to {int.MaxValue / 2}");
        Need(dt_rank >= 0, $"dt_rank is {dt_rank}, allowed are 1 and more, or 0 for ceil(d_model / 16)");
        Need(double.IsFinite(dt_min) && dt_min > 0 && double.IsFinite(dt_max) && dt_max >= dt_min, $"dt_min and dt_max are {dt_min} and {dt_max}, which must be finite with 0 < dt_min <= dt_max");
        Need(double.IsFinite(dt_init_floor) && dt_init_floor > 0, $"dt_init_floor is {dt_init_floor}, which must be finite and above 0");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"Mamba options: {string.Join("; ", faults)}; correct them where the block is made.");
        }
    }
}
