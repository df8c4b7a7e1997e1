namespace MambaExt.Vision;

/// <summary>Sizes and initialization of <see cref="Ssm2d"/> and <see cref="Ss2d"/>.</summary>
/// <param name="d_model">d, channels of map and scan</param>
/// <param name="height">h of the map</param>
/// <param name="width">w of the map</param>
public sealed record Scan2dOptions(int d_model, int height, int width)
{
    /// <summary>N, the state size: 1 to 256.</summary>
    public int d_state { get; init; } = 16;

    /// <summary>R, the rank of the delta projection; 0 for ceil(d_model / 16).</summary>
    public int dt_rank { get; init; }

    /// <summary>Smallest initial step.</summary>
    public double dt_min { get; init; } = 0.001;

    /// <summary>Largest initial step.</summary>
    public double dt_max { get; init; } = 0.1;

    /// <summary>Initial steps are held above this.</summary>
    public double dt_init_floor { get; init; } = 1e-4;

    /// <summary>R as it is used.</summary>
    public int Rank => dt_rank > 0 ? dt_rank : (d_model + 15) / 16;

    /// <summary>L = h w.</summary>
    public int Length => height * width;

    /// <summary>Throws one sentence with everything that is out of range.</summary>
    public void Validate()
    {
        List<string> faults = [];
        Need(d_model >= 1, $"d_model is {d_model}, allowed are 1 and more");
        Need(height >= 1 && width >= 1 && (long)height * width <= 1 << 20, $"height and width are {height} and {width}, allowed are 1 and more, at most {1 << 20} cells");
        Need(d_state is >= 1 and <= 256, $"d_state is {d_state}, allowed are 1 to 256");
        Need(dt_rank >= 0, $"dt_rank is {dt_rank}, allowed are 1 and more, or 0 for ceil(d_model / 16)");
        Need(double.IsFinite(dt_min) && dt_min > 0 && double.IsFinite(dt_max) && dt_max >= dt_min, $"dt_min and dt_max are {dt_min} and {dt_max}, which must be finite with 0 < dt_min <= dt_max");
        Need(double.IsFinite(dt_init_floor) && dt_init_floor > 0, $"dt_init_floor is {dt_init_floor}, which must be finite and above 0");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"2-D scan options: {string.Join("; ", faults)}; correct them where the scan is made.");
        }

        void Need(bool good, string text)
        {
            if (!good)
            {
                faults.Add(text);
            }
        }
    }
}
