namespace MambaExt.Data;

/// <summary>From files to <see cref="DataVariant"/>.</summary>
public static class DataVariants
{
    /// <summary>Official where every file is, unofficial where one is not, else unverified.</summary>
    public static DataVariant Of(IReadOnlyList<DataSetFile> files) =>
        files.Any(file => file.Official == false) ? DataVariant.Unofficial
        : files.All(file => file.Official == true) ? DataVariant.Official
        : DataVariant.Unverified;
}
