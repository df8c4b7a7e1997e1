using MambaExt.Distill.Accounting;
using MambaExt.Distill.Students;

namespace MambaExt.Distill.Inference;

/// <summary>Compares what a model folder describes with what it holds, before memory is taken for it.</summary>
internal static class ParameterFile
{
    /// <summary>Refuses models that have more parameters than the folder's file has room for.</summary>
    /// <exception cref="InvalidDataException">They have.</exception>
    public static void Require(string folder, IEnumerable<PatchMambaOptions> models)
    {
        long bytes = new FileInfo(Path.Combine(folder, "model.safetensors")).Length;
        double wanted = models.Sum(Bytes);
        if (!(wanted <= bytes))
        {
            throw new InvalidDataException($"The config.json of '{folder}' describes a model of {wanted:g3} bytes and its model.safetensors has {bytes}; restore the two files that belong together.");
        }
    }

    private static double Bytes(PatchMambaOptions model)
    {
        try
        {
            return sizeof(float) * (double)FlopCount.Total(model).parameters;
        }
        catch (OverflowException)
        {
            return double.PositiveInfinity;
        }
    }
}
