namespace MambaExt.Kernels;

/// <summary>Checks that the operators share: each message says what was given, what is allowed and what to do.</summary>
internal static unsafe class KernelArgument
{
    public static void RequireFloatOrDouble<T>(string operation)
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double))
        {
            throw new ArgumentException($"{operation} was given {typeof(T).Name} elements; allowed are float and double, so convert first.");
        }
    }

    public static void RequirePointer(void* pointer, string name, string shape)
    {
        if (pointer == null)
        {
            throw new ArgumentException($"{name} is null; it is required here, so give a pointer to {shape}.");
        }
    }
}
